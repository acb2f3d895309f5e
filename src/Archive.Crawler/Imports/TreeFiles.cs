using System.Runtime.CompilerServices;
using System.Text;
using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Directories;
using Archive.Extractor.Packages;

namespace Archive.Crawler.Imports;

/// <summary>A tarball of a tree.</summary>
/// <param name="Path">As the tree has it, maybe below folders of its own.</param>
/// <param name="Bytes">Null where there is a problem.</param>
/// <param name="Problem">Why it could not be had, though others may be.</param>
public sealed record TreeFile(string Path, Uri Url, byte[]? Bytes, string? Problem = null);

/// <summary>The <c>.btf.tar.xz</c> files of a tree in the form of btfhub-archive: a checkout, a tarball of one, or one behind a URL.</summary>
public sealed class TreeFiles(HttpClient client, TimeProvider clock)
{
    /// <summary>Bytes; the largest kernels' tarballs have 3 MB.</summary>
    private const int MaxBytes = 64 << 20;

    private const int MaxDepth = 6, MaxTarEntries = 10_000_000;

    /// <summary>Files in a row that a server fails to send before it is taken to be broken.</summary>
    private const int MaxFailures = 5;

    private const string Extension = ".btf.tar.xz", Digests = "SHA256SUMS";

    /// <param name="place">A folder, a tar (plain or in any compression) as a file or URL, or a base URL, that has SHA256SUMS or pages of its folders.</param>
    /// <exception cref="CrawlImportException">There is nothing of the kind.</exception>
    public IAsyncEnumerable<TreeFile> ReadAsync(string place, CancellationToken cancellation)
    {
        var at = ImportPlace.Parse(place);
        if (at.Path is { } path)
            return Directory.Exists(path) ? FromFolderAsync(path, cancellation) : FromTar(File.OpenRead(path), new Uri(path)).ToAsyncEnumerable();
        return at.IsTarUrl
            ? FromTar(new PackageStream(client, at.Url!, null, null, clock), at.Url!).ToAsyncEnumerable()
            : FromWebAsync(new Uri(at.Url!.AbsoluteUri.TrimEnd('/') + "/"), cancellation);
    }

    /// <summary>Links are left alone: they may lead out of the tree.</summary>
    private static async IAsyncEnumerable<TreeFile> FromFolderAsync(string folder, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*" + Extension, options))
        {
            var path = Path.GetRelativePath(folder, file.FullName);
            yield return Of(path, new Uri(file.FullName), file.Length > MaxBytes ? null : await File.ReadAllBytesAsync(file.FullName, cancellation));
        }
    }

    private static IEnumerable<TreeFile> FromTar(Stream stream, Uri url)
    {
        using var decoder = Codecs.OpenDecoder(stream, url.LocalPath, DecoderOptions.Default);
        var tar = new TarFileReader(decoder, url.LocalPath, MaxTarEntries);
        while (Next(tar, url) is { } file)
            yield return file;
    }

    /// <summary>The next file of our kind.</summary>
    private static TreeFile? Next(TarFileReader tar, Uri url)
    {
        try
        {
            while (tar.Next() is { } file)
            {
                if (!file.Name.EndsWith(Extension, StringComparison.Ordinal))
                    continue;
                var bytes = file.Size > MaxBytes ? null : new byte[file.Size];
                file.Content.ReadExactly(bytes ?? []);
                return Of(file.Name, url, bytes);
            }
            return null;
        }
        catch (Exception e) when (e is Btf.MalformedInputException or EndOfStreamException)
        {
            throw new CrawlImportException($"{url}: {e.Message}", e);
        }
    }

    private static TreeFile Of(string path, Uri url, byte[]? bytes) => new(path, url, bytes, bytes is null ? $"size: more than {MaxBytes} bytes are no kernel's BTF" : null);

    private async IAsyncEnumerable<TreeFile> FromWebAsync(Uri root, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var files = await ListedAsync(root, cancellation) ?? await LinkedAsync(root, cancellation);
        var failures = 0;
        foreach (var (url, digest) in files)
        {
            var file = await FetchAsync(root, url, digest, failures < MaxFailures, cancellation);
            failures = file.Problem is null ? 0 : failures + 1;
            yield return file;
        }
    }

    private async Task<TreeFile> FetchAsync(Uri root, Uri url, Checksum? digest, bool mayFail, CancellationToken cancellation)
    {
        var path = Uri.UnescapeDataString(root.MakeRelativeUri(url).ToString());
        try
        {
            return Of(path, url, await GetAsync(url, digest, MaxBytes, cancellation));
        }
        catch (MirrorException e) when (mayFail)
        {
            return new TreeFile(path, url, null, e.Message);
        }
    }

    /// <summary>By SHA256SUMS, as our own archives have it; null where there is none.</summary>
    private async Task<List<(Uri, Checksum?)>?> ListedAsync(Uri root, CancellationToken cancellation)
    {
        try
        {
            var text = Encoding.UTF8.GetString(await GetAsync(new Uri(root, Digests), null, 1 << 30, cancellation) ?? []);
            return [.. text.Split('\n').Select(l => l.Split("  ", 2)).Where(l => l.Length == 2 && l[1].EndsWith(Extension, StringComparison.Ordinal))
                .Select(l => (new Uri(root, l[1].Replace("+", "%2B", StringComparison.Ordinal)), Checksum.Parse("sha256", l[0])))];
        }
        catch (MirrorException e) when (e.IsMissing)
        {
            return null;
        }
    }

    /// <summary>By the pages of its folders.</summary>
    private async Task<List<(Uri, Checksum?)>> LinkedAsync(Uri root, CancellationToken cancellation)
    {
        var (found, open, seen) = (new List<(Uri, Checksum?)>(), new Queue<(Uri Page, int Depth)>([(root, 0)]), new HashSet<string> { root.AbsolutePath });
        while (open.TryDequeue(out var at))
        {
            var html = await GetAsync(at.Page, null, MaxBytes, cancellation) ?? [];
            found.AddRange(DirectoryPage.FilesOf(at.Page, html).Where(f => f.AbsolutePath.EndsWith(Extension, StringComparison.Ordinal)).Select(f => (f, (Checksum?)null)));
            foreach (var folder in DirectoryPage.FoldersOf(at.Page, html).Where(f => at.Depth < MaxDepth && seen.Add(f.AbsolutePath)))
                open.Enqueue((folder, at.Depth + 1));
        }
        return found;
    }

    private async Task<byte[]?> GetAsync(Uri url, Checksum? digest, int limit, CancellationToken cancellation)
    {
        await using var body = new PackageStream(client, url, null, digest, clock);
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int count; (count = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (bytes.Length + count > limit)
                return null;
            bytes.Write(buffer, 0, count);
        }
        await body.CompleteAsync(cancellation);
        return bytes.ToArray();
    }
}
