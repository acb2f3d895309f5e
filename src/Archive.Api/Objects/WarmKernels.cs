using System.Collections.Concurrent;
using Archive.Api.Content;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf.Format;

namespace Archive.Api.Objects;

/// <summary>
/// Kernels ready to be asked: unpacked, indexed and mapped, so that a question to one of them costs a millisecond and not the
/// tenth of a second that unpacking takes. A folder beside the archive that may be removed at any time; what was not used for
/// longest goes first.
/// </summary>
public sealed class WarmKernels
{
    private readonly string _folder;
    private readonly long _capacity;
    private readonly DerivedForms _forms;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<string, Lazy<Task>> _making = new(StringComparer.Ordinal);
    private long _size;

    /// <param name="folder">Created where it is not there; half-written files of killed processes are removed.</param>
    public WarmKernels(string folder, long capacity, DerivedForms forms, TimeProvider clock)
    {
        _folder = Directory.CreateDirectory(Path.Combine(folder, $"v{IndexedBtf.FormatVersion}")).FullName;
        (_capacity, _forms, _clock) = (capacity, forms, clock);
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles())
        {
            if (file.Extension == ".new")
                file.Delete();
            else
                _size += file.Length;
        }
    }

    /// <summary>The kernel's BTF, to be disposed after use.</summary>
    /// <exception cref="BlobStoreException">The blob is gone, or is not what the catalogue says.</exception>
    public async Task<IndexedBtf> OpenAsync(Publication publication, CancellationToken cancellation)
    {
        var path = Path.Combine(_folder, publication.Raw.Sha256);
        if (TryOpen(path) is { } ready)
            return ready;
        var making = _making.GetOrAdd(publication.Raw.Sha256, _ => new(() => MakeAsync(path, publication)));
        try
        {
            await making.Value.WaitAsync(cancellation);
        }
        finally
        {
            if (making.Value.IsCompleted)
                _making.TryRemove(new(publication.Raw.Sha256, making));
        }
        return TryOpen(path) ?? throw new BlobStoreException($"{path} was removed while it was in use");
    }

    private IndexedBtf? TryOpen(string path)
    {
        try
        {
            var opened = IndexedBtf.Open(path);
            File.SetLastAccessTimeUtc(path, _clock.GetUtcNow().UtcDateTime);
            return opened;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private async Task MakeAsync(string path, Publication publication)
    {
        var unfinished = $"{path}.{Guid.NewGuid():n}.new";
        await using (var file = File.Create(unfinished))
            IndexedBtf.Write(BtfBlob.Parse(await ReadAsync(publication)), file);
        Forget(Interlocked.Add(ref _size, new FileInfo(unfinished).Length));
        File.Move(unfinished, path, overwrite: true);
    }

    private async Task<byte[]> ReadAsync(Publication publication)
    {
        var (content, form) = await _forms.OpenAsync(publication, BtfForm.Raw, "", CancellationToken.None);
        await using (content)
        {
            var bytes = new byte[form.Size];
            await content.ReadExactlyAsync(bytes);
            return bytes;
        }
    }

    /// <summary>Makes room down to nine tenths. Who has a file mapped keeps it.</summary>
    private void Forget(long size)
    {
        if (size <= _capacity)
            return;
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles().Where(file => file.Extension != ".new").OrderBy(file => file.LastAccessTimeUtc))
        {
            var length = file.Length;
            file.Delete();
            if (Interlocked.Add(ref _size, -length) <= _capacity / 10 * 9)
                return;
        }
    }
}
