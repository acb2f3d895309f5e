using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using Archive.Api.Observability;
using Archive.Extractor.Packages;
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Kernels;

namespace Archive.Api.Content;

/// <summary>
/// Forms that are not stored but made of the tarball: raw BTF, and from it .zst, .gz and ELF. Each is made once (some 50 ms for
/// raw), written to a file of this process's own cache folder, and served from there, so that thousands of slow downloads hold
/// open files and no memory. Requests that come while a form is made wait for the same making. The folder is bounded: what was
/// used longest ago goes first; a file that is being sent stays readable after its name is gone.
/// </summary>
public sealed class DerivedForms : IDisposable
{
    private const int ZstdLevel = 12;
    private readonly IBlobStore _blobs;
    private readonly long _capacity;
    private readonly LockedFolder _folder;
    private readonly SemaphoreSlim _makers = new(Environment.ProcessorCount);
    private readonly ConcurrentDictionary<string, Lazy<Task<Entry>>> _entries = new(StringComparer.Ordinal);
    private long _size, _uses, _files;

    /// <param name="folder">Shared by processes; each has a subfolder of its own, removed when it ends or is found dead.</param>
    /// <param name="capacity">Bytes of files that are kept.</param>
    public DerivedForms(IBlobStore blobs, string folder, long capacity)
    {
        (_blobs, _capacity) = (blobs, capacity);
        LockedFolder.Sweep(Directory.CreateDirectory(folder).FullName);
        _folder = LockedFolder.TryEnter(folder, Guid.NewGuid().ToString("n")) ?? throw new IOException($"{folder}: a fresh name is already held");
    }

    private sealed record Entry(string Path, StoredForm Form)
    {
        public long LastUse;
    }

    /// <summary>A form that is made of raw BTF in memory, under a name of its own.</summary>
    /// <param name="make">From the bytes of the kernel's raw BTF.</param>
    /// <inheritdoc cref="OpenAsync(Publication, BtfForm, string, CancellationToken)"/>
    public Task<(Stream Content, StoredForm Form)> OpenAsync(Publication publication, string name, Func<byte[], Task<byte[]>> make, CancellationToken cancellation) =>
        OpenAsync(() => GetAsync($"{publication.Raw.Sha256}.{name}", () => MakeAsync(publication, make)), cancellation);

    /// <summary>The form's bytes, and their digest and length.</summary>
    /// <param name="arch">Canonical; an ELF file names it.</param>
    /// <exception cref="BlobStoreException">The blob is gone, or is not what the catalogue says.</exception>
    public Task<(Stream Content, StoredForm Form)> OpenAsync(Publication publication, BtfForm form, string arch, CancellationToken cancellation) =>
        OpenAsync(() => GetAsync(publication, form, arch), cancellation);

    private async Task<(Stream Content, StoredForm Form)> OpenAsync(Func<Task<Entry>> get, CancellationToken cancellation)
    {
        while (true)
        {
            var entry = await get().WaitAsync(cancellation);
            Volatile.Write(ref entry.LastUse, Interlocked.Increment(ref _uses));
            try
            {
                return (new FileStream(entry.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, useAsync: true), entry.Form);
            }
            catch (FileNotFoundException)
            {
                // Evicted in between: made again.
            }
        }
    }

    public void Dispose()
    {
        _folder.Dispose();
        _makers.Dispose();
    }

    private Task<Entry> GetAsync(Publication publication, BtfForm form, string arch)
    {
        var key = form == BtfForm.Elf ? $"{publication.Raw.Sha256}{form.Extension()}-{arch}" : $"{publication.Raw.Sha256}{form.Extension()}";
        return GetAsync(key, () => MakeAsync(publication, form, arch));
    }

    private async Task<Entry> GetAsync(string key, Func<Task<Entry>> make)
    {
        ArchiveMeter.FormCache.Add(1, new KeyValuePair<string, object?>("result", _entries.ContainsKey(key) ? "hit" : "miss"));
        var made = _entries.GetOrAdd(key, _ => new(() => Task.Run(make)));
        try
        {
            return await made.Value;
        }
        catch
        {
            _entries.TryRemove(KeyValuePair.Create(key, made)); // A failure is not kept.
            throw;
        }
    }

    /// <summary>Runs on for the other waiters when one of them goes away, so it takes no cancellation.</summary>
    private async Task<Entry> MakeAsync(Publication publication, BtfForm form, string arch)
    {
        using var span = Tracing.Source.StartActivity("make form")?.SetTag("btf.form", form.ToString()).SetTag("btf.sha256", publication.Raw.Sha256);
        if (form == BtfForm.Raw)
            return await WriteAsync(target => UnpackAsync(publication, target), publication.Raw);
        var (raw, _) = await OpenAsync(publication, BtfForm.Raw, arch, CancellationToken.None);
        await using (raw)
        {
            return await WriteAsync(target => { Encode(form, raw, target, arch); return Task.CompletedTask; }, null);
        }
    }

    private async Task<Entry> MakeAsync(Publication publication, Func<byte[], Task<byte[]>> make)
    {
        using var span = Tracing.Source.StartActivity("make form")?.SetTag("btf.sha256", publication.Raw.Sha256);
        var (raw, stored) = await OpenAsync(publication, BtfForm.Raw, "", CancellationToken.None);
        var bytes = new byte[stored.Size];
        await using (raw)
            await raw.ReadExactlyAsync(bytes);
        return await WriteAsync(async target => target.Write(await make(bytes)), null);
    }

    private async Task UnpackAsync(Publication publication, Stream target)
    {
        var key = BlobPaths.Tarball(publication.Tarball.Sha256);
        await using var tarball = await _blobs.OpenReadAsync(key, CancellationToken.None)
            ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");
        BtfTarball.Unpack(tarball, target);
    }

    private static void Encode(BtfForm form, Stream raw, Stream target, string arch)
    {
        switch (form)
        {
            case BtfForm.Elf:
                ElfWrapper.Write(target, raw, arch);
                break;
            case BtfForm.Gzip:
                using (var gzip = new GZipStream(target, CompressionLevel.Optimal, leaveOpen: true))
                    raw.CopyTo(gzip);
                break;
            case BtfForm.Zstd:
                using (var zstd = new ZstdEncoderStream(target, ZstdLevel, raw.Length))
                    raw.CopyTo(zstd);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(form), form, "is stored, not made");
        }
    }

    private async Task<Entry> WriteAsync(Func<Stream, Task> write, StoredForm? expected)
    {
        await _makers.WaitAsync();
        var path = Path.Combine(_folder.FullPath, Interlocked.Increment(ref _files).ToString(CultureInfo.InvariantCulture));
        try
        {
            await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            await using var hashing = new HashingStream(file);
            await write(hashing);
            await file.FlushAsync();
            var entry = new Entry(path, hashing.ToForm());
            if (expected is not null && entry.Form != expected)
                throw new BlobStoreException($"the tarball unpacks to {entry.Form.Sha256}, the catalogue says {expected.Sha256}");
            Evict(Interlocked.Add(ref _size, entry.Form.Size));
            return entry;
        }
        catch
        {
            File.Delete(path);
            throw;
        }
        finally
        {
            _makers.Release();
        }
    }

    private void Evict(long size)
    {
        if (size <= _capacity)
            return;
        var made = _entries.Where(e => e.Value is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            .OrderBy(e => Volatile.Read(ref e.Value.Value.Result.LastUse)).ToList();
        foreach (var (key, entry) in made)
        {
            if (Volatile.Read(ref _size) <= _capacity)
                return;
            if (!_entries.TryRemove(KeyValuePair.Create(key, entry)))
                continue;
            File.Delete(entry.Value.Result.Path);
            Interlocked.Add(ref _size, -entry.Value.Result.Form.Size);
        }
    }
}
