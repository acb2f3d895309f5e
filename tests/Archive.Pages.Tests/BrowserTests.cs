using Archive.Store.Catalogue;
using Microsoft.Playwright;
using TestKit;

namespace Archive.Pages.Tests;

/// <summary>The main task of each page, done by clicking and typing.</summary>
[Trait("Category", "Real")]
public sealed class BrowserTests(Browser browser) : IClassFixture<Browser>
{
    private const string Kernels = "/kernels/debian/13/x86_64";

    private string Newest => NewestTwo[0];

    /// <summary>Unames of trixie's kernels, newest first.</summary>
    private IReadOnlyList<string> NewestTwo => [.. browser.Api.Store.Catalogue.ListAsync(new KernelFilter { Distro = "debian", Version = "13", Arch = "x86_64" }, default).GetAwaiter().GetResult()
        .Select(record => record.Build.Key.Uname).OrderDescending(Archive.Store.Kernels.PackageVersionOrder.Instance)];

    private IEnumerable<(string Name, string Path)> Pages =>
    [
        ("home", "/"), ("answer", $"/?q={Uri.EscapeDataString(Newest)}"), ("miss", "/?q=6.1.0-999-amd64"), ("coverage", "/coverage"), ("place", "/coverage/debian/13/x86_64"), ("gaps", "/coverage/gaps"),
        ("listed", "/coverage/listed"), ("config", $"{Kernels}/{Newest}/config"), ("modules", $"{Kernels}/{Newest}/modules"), ("recent", "/recent"), ("charts", "/charts"), ("kernel", $"{Kernels}/{Newest}"), ("types", "/types?q=task"), ("type", $"{Kernels}/{Newest}/types/task_struct"),
        ("type-c", $"{Kernels}/{Newest}/types/list_head?view=c"), ("type-users", $"{Kernels}/{Newest}/types/list_head?view=users"), ("enum", $"{Kernels}/{Newest}/types/bpf_map_type"),
        ("function", $"{Kernels}/{Newest}/functions/vfs_read"), ("type-compare", $"{Kernels}/{Newest}/types/task_struct?view=compare&with=debian/12/x86_64/{Uri.EscapeDataString(Bookworm)}"),
        ("compat", "/compat"), ("sources", "/sources"), ("source", "/sources/debian"), ("sign-in", "/sign-in"),
    ];

    private string Bookworm => browser.Api.Store.Catalogue.ListAsync(new KernelFilter { Distro = "debian", Version = "12", Arch = "x86_64" }, default).GetAwaiter().GetResult()[0].Build.Key.Uname;

    [Fact]
    public async Task TheArchiveHasRealKernels()
    {
        var published = await browser.Api.Store.Catalogue.ListAsync(new KernelFilter { Outcome = Archive.Store.Kernels.Outcome.Published }, default);
        Assert.True(published.Count >= RealArchive.Least, $"{published.Count} kernels");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task NoPageComplainsOrShutsAnybodyOut(int view)
    {
        await using var tab = await browser.OpenAsync(view);
        foreach (var (name, path) in Pages)
        {
            await tab.GoAsync(path);
            await tab.CheckAsync(name);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task TheMainPagesLookRightInTheOtherColoursToo(int view)
    {
        await using var tab = await browser.OpenAsync(view);
        foreach (var (name, path) in Pages.Where(page => page.Name is "home" or "coverage" or "kernel" or "type" or "compat"))
        {
            await tab.GoAsync(path);
            await tab.CheckAsync(name);
        }
    }

    [Fact]
    public async Task TheBoxSuggestsWhileTypingAndGoesThereByKeyboardAlone()
    {
        await using var tab = await browser.OpenAsync();
        await tab.GoAsync("/");
        await tab.Page.Keyboard.PressAsync("/");
        await tab.Page.Keyboard.TypeAsync(Newest[..8]);
        await tab.Page.Locator("#found a").First.WaitForAsync();
        await tab.Page.Keyboard.PressAsync("ArrowDown");
        await tab.Page.Keyboard.PressAsync("Enter");
        await tab.Page.WaitForURLAsync("**/kernels/debian/**");
        Assert.StartsWith(Newest[..8], await tab.Page.Locator("h1").InnerTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task APastedUnameIsAnswered()
    {
        await using var tab = await browser.OpenAsync(1);
        await tab.GoAsync("/");
        await tab.Page.GetByLabel("uname, uname -a").FillAsync($"Linux vm-7 {Newest} #1 SMP PREEMPT_DYNAMIC Debian x86_64 GNU/Linux");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Find" }).ClickAsync();
        await tab.Page.GetByText("Yes:").WaitForAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = Newest }).First.ClickAsync();
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Where it comes from" }).WaitForAsync();
        await tab.CheckAsync("kernel-found");
    }

    [Fact]
    public async Task CoverageLeadsDownToAKernelAndItsNeighbours()
    {
        await using var tab = await browser.OpenAsync();
        await tab.GoAsync("/coverage");
        await tab.Page.Locator("select[name=arch]").SelectOptionAsync("x86_64");
        await tab.Page.WaitForURLAsync(new System.Text.RegularExpressions.Regex("arch=x86_64", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)));
        await tab.Page.Locator(".matrix td a").First.ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = Newest }).ClickAsync();
        await tab.Page.GetByText("From it to this one").WaitForAsync();
        await tab.Page.Locator("#neighbours").GetByText("What changed").First.ClickAsync();
        await tab.Page.Locator("#changes .chips").WaitForAsync();
        await tab.CheckAsync("changes");
    }

    [Fact]
    public async Task ATypeIsFoundReadAndFollowedThroughItsHistory()
    {
        await using var tab = await browser.OpenAsync();
        await tab.GoAsync($"{Kernels}/{Newest}");
        await tab.Page.GetByLabel("Type or function").FillAsync("task_struct");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Look up" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "task_struct", Exact = true }).First.ClickAsync();
        await tab.Page.GetByText("cache line 1,").WaitForAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "thread_info", Exact = true }).First.ClickAsync();
        await tab.Page.WaitForURLAsync("**/types/thread_info");
        await tab.Page.GoBackAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "History" }).ClickAsync();
        await tab.Page.Locator("#history:not([data-refresh])").WaitForAsync();
        Assert.True(await tab.Page.Locator("#history .chain > li").CountAsync() > 0);
        await tab.CheckAsync("type-history");
    }

    [Fact]
    public async Task DroppedObjectsAreCheckedAndExplained()
    {
        await using var tab = await browser.OpenAsync();
        await tab.GoAsync("/compat");
        var objects = BpfObjectCorpus.LibbpfTools.Take(4).Select(item => item.Path).ToArray();
        await tab.Page.Locator("input[type=file]").SetInputFilesAsync(objects);
        await tab.Page.Locator(".drop li").Nth(3).WaitForAsync();
        await tab.Page.Locator("select[name=arch]").SelectOptionAsync("arm64");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Check" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Kernel by kernel" }).WaitForAsync(new() { Timeout = 120_000 });
        await tab.CheckAsync("compat-report");
        var report = tab.Page.Url;

        var download = await tab.Page.RunAndWaitForDownloadAsync(() => tab.Page.GetByRole(AriaRole.Link, new() { Name = "Report as JSON" }).ClickAsync());
        Assert.Contains("\"schema\"", await File.ReadAllTextAsync(await download.PathAsync()), StringComparison.Ordinal);
        var bundle = await tab.Page.RunAndWaitForDownloadAsync(() => tab.Page.GetByRole(AriaRole.Button, new() { Name = "Download bundle" }).ClickAsync());
        Assert.Contains("index.json", Tool.Run("tar", "tzf", await bundle.PathAsync()), StringComparison.Ordinal);

        await tab.Page.Locator("table.verdicts td a").First.ClickAsync();
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Findings" }).WaitForAsync();
        await tab.CheckAsync("compat-class");
        await tab.Page.GetByText("side by side").First.ClickAsync();
        await tab.Page.GetByText("as it was compiled").Or(tab.Page.GetByText("was compiled, right as")).First.WaitForAsync();
        await tab.CheckAsync("compat-layouts");

        await tab.GoAsync(new Uri(report).PathAndQuery);
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Delete report" }).ClickAsync();
        await tab.Page.WaitForURLAsync("**/compat");
        Assert.Equal(404, (await tab.Page.APIRequest.GetAsync(report)).Status);
    }

    [Fact]
    public async Task WithoutScriptsPagesAreReadAndFormsWork()
    {
        await using var tab = await browser.OpenAsync(withScript: false);
        foreach (var (name, path) in Pages)
        {
            await tab.GoAsync(path);
            Assert.NotEqual("", await tab.Page.Locator("main h1").InnerTextAsync());
            await tab.CheckAsync($"{name}-noscript", withAxe: false);
        }
        await tab.GoAsync("/");
        await tab.Page.Locator("#q").FillAsync("task_struct");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Find" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "task_struct", Exact = true }).First.WaitForAsync();
        await tab.GoAsync("/compat");
        await tab.Page.Locator("input[type=file]").SetInputFilesAsync(BpfObjectCorpus.LibbpfTools[0].Path);
        await tab.Page.Locator("select[name=version]").SelectOptionAsync("13");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Check" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Kernel by kernel" }).WaitForAsync(new() { Timeout = 120_000 });
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/coverage")]
    [InlineData("/compat")]
    public async Task TheKeyboardAloneReachesEverything(string path)
    {
        await using var tab = await browser.OpenAsync();
        await tab.GoAsync(path);
        var expected = await tab.Page.EvaluateAsync<int>("[...document.querySelectorAll('a[href], button, input:not([type=hidden]):not([type=radio]), select, textarea, [tabindex=\"0\"]')].filter(e => e.checkVisibility()).length");
        await tab.Page.EvaluateAsync("window.seen = new Set()");
        await tab.Page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to the content", await tab.Page.EvaluateAsync<string>("document.activeElement.textContent"));
        for (var i = 0; i < expected + 10; i++)
        {
            await tab.Page.EvaluateAsync("document.activeElement !== document.body && document.activeElement.type !== 'radio' && window.seen.add(document.activeElement)");
            await tab.Page.Keyboard.PressAsync("Tab");
        }
        Assert.Equal(expected, await tab.Page.EvaluateAsync<int>("window.seen.size"));
    }

    [Fact]
    public async Task EveryLinkOfARealArchiveResolves()
    {
        var (seen, waiting) = (new HashSet<string>(), new Queue<string>(Pages.Select(page => page.Path)));
        while (waiting.TryDequeue(out var path) && seen.Count < 300)
        {
            using var answer = await browser.Api.Client.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            Assert.True(answer.IsSuccessStatusCode, $"{path}: {answer.StatusCode}");
            if (answer.Content.Headers.ContentType?.MediaType != "text/html" || seen.Count > 150)
                continue;
            var page = PageMarkup.Check(await answer.Content.ReadAsStringAsync(), path);
            PageMarkup.Links(page, path).Where(link => !link.EndsWith("vmlinux.h", StringComparison.Ordinal) && !link.Contains("/diff?", StringComparison.Ordinal)).Where(seen.Add).ToList().ForEach(waiting.Enqueue);
        }
        Assert.InRange(seen.Count, 100, 5000);
    }
}
