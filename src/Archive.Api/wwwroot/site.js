// What pages gain by script: suggestions, copy buttons, filters that answer at once, dropping of files, progress. All of it works without, too.
'use strict';
(() => {
  const each = (selector, action) => document.querySelectorAll(selector).forEach(action);

  // Suggestions are links made by the server. Down goes from the box into them, Escape comes back.
  each('[data-suggest]', box => {
    const list = document.getElementById(box.dataset.suggest), status = document.getElementById(box.dataset.suggest + '-status');
    let asked = 0, timer = 0;
    const clear = () => { list.replaceChildren(); status.textContent = ''; };
    const ask = async () => {
      const text = box.value.trim(), mine = ++asked;
      if (text.length < 2 || text.length > 200) return clear();
      try {
        const answer = await fetch('/suggest?q=' + encodeURIComponent(text));
        const html = answer.ok ? await answer.text() : '';
        if (mine !== asked) return;
        list.replaceChildren(...new DOMParser().parseFromString(html, 'text/html').querySelectorAll('li'));
        status.textContent = list.children.length ? list.children.length + ' suggestions; press Down to go to them' : '';
      } catch { clear(); }
    };
    box.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(ask, 120); box.rows = Math.min(6, box.value.split('\n').length); });
    box.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); box.form.requestSubmit(); }
      if (event.key === 'ArrowDown' && list.firstElementChild) { event.preventDefault(); list.querySelector('a').focus(); }
      if (event.key === 'Escape') clear();
    });
    list.addEventListener('keydown', event => {
      const links = [...list.querySelectorAll('a')], at = links.indexOf(document.activeElement);
      if (event.key === 'ArrowDown') { event.preventDefault(); (links[at + 1] || links[0]).focus(); }
      if (event.key === 'ArrowUp') { event.preventDefault(); (links[at - 1] || box).focus(); }
      if (event.key === 'Escape') { clear(); box.focus(); }
    });
    document.addEventListener('click', event => { if (!list.parentElement.contains(event.target)) clear(); });
  });

  each('.paste', block => {
    if (!navigator.clipboard) return;
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'copy quiet small', textContent: 'Copy' });
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(block.querySelector('pre').textContent);
      button.textContent = 'Copied';
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
    block.append(button);
  });

  each('form[data-live] select, form[data-live] input[type=checkbox]', field => field.addEventListener('change', () => field.form.requestSubmit()));

  // "/" goes to the search box, as on other sites.
  document.addEventListener('keydown', event => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
    const box = document.querySelector('textarea[name=q], input[name=q]');
    if (box) { event.preventDefault(); box.focus(); }
  });

  each('.drop', zone => {
    const input = zone.querySelector('input[type=file]'), list = zone.querySelector('ul');
    const show = () => list.replaceChildren(...[...input.files].map(file => Object.assign(document.createElement('li'), { textContent: file.name + ' (' + Math.ceil(file.size / 1024) + ' kB)' })));
    input.addEventListener('change', show);
    for (const kind of ['dragover', 'dragenter']) zone.addEventListener(kind, event => { event.preventDefault(); zone.classList.add('over'); });
    for (const kind of ['dragleave', 'drop']) zone.addEventListener(kind, () => zone.classList.remove('over'));
    zone.addEventListener('drop', event => { event.preventDefault(); input.files = event.dataTransfer.files; show(); });
  });

  // A part of the page that is still being worked on is asked for again until it is done.
  each('[data-refresh]', part => {
    const again = async () => {
      try {
        const page = new DOMParser().parseFromString(await (await fetch(part.dataset.refresh)).text(), 'text/html');
        const fresh = page.getElementById(part.id);
        if (!fresh || !fresh.dataset.refresh) return location.reload();
        part.replaceChildren(...fresh.childNodes);
      } catch { /* The server may be restarting: ask again. */ }
      setTimeout(again, 700);
    };
    setTimeout(again, 700);
  });
})();
