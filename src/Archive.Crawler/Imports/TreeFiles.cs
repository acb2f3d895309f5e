using System.Formats.Tar;
using System.Runtime.CompilerServices;
using System.Text;
using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Directories;
using Archive.Extractor.Packages;

namespace Archive.Crawler.Imports;

/// <summary>A tarball of a tree.</summary>
/// <param name="Path">As the tree has it, maybe below folders of its own.</param>
/// <param name="Bytes">Null where it is too large to be one.</param>
public sealed record TreeFile(string Path, Uri Url, byte[]? Bytes);

/// <summary>The <c>.btf.tar.xz</c> files of a tree in the form of btfhub-archive: a checkout, a tarball of one, or one behind a URL.</summary>
public sealed class TreeFiles(HttpClient client, TimeProvider clock)
{
    /// <summary>Bytes; the largest kernels' tarballs have 3 MB.</summary>
    private const int MaxBytes = 64 << 20;

    private const int MaxDepth = 6;
    private const string Extension = ".btf.tar.xz", Digests = "SHA256SUMS";

    /// <param name="place">A folder, a file (tar, plain or in any compression), or a base URL, that has SHA256SUMS or pages of its folders.</param>
    /// <exception cref="CrawlImportException">There is nothing of the kind.</exception>
    public IAsyncEnumerable<TreeFile> ReadAsync(string place, CancellationToken cancellation)
    {
        if (Uri.TryCreate(place, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            return FromWebAsync(new Uri(place.EndsWith('/') ? place : place + "/"), cancellation);
        if (Directory.Exists(place))
            return FromFolderAsync(Path.GetFullPath(place), cancellation);
        return File.Exists(place) ? FromTarAsync(Path.GetFullPath(place), cancellation) : throw new CrawlImportException($"'{place}' is no folder, no file and no URL");
    }

    /// <summary>Links are left alone: they may lead out of the tree.</summary>
    private static async IAsyncEnumerable<TreeFile> FromFolderAsync(string folder, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*" + Extension, options))
            yield return new TreeFile(Path.GetRelativePath(folder, file.FullName), new Uri(file.FullName), file.Length > MaxBytes ? null : await File.ReadAllBytesAsync(file.FullName, cancellation));
    }

    private static async IAsyncEnumerable<TreeFile> FromTarAsync(string path, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var file = File.OpenRead(path);
        using var decoder = Codecs.OpenDecoder(file, path, DecoderOptions.Default);
        await using var tar = new TarReader(decoder);
        for (TarEntry? entry; (entry = await NextAsync(tar, path, cancellation)) is not null;)
        {
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !entry.Name.EndsWith(Extension, StringComparison.Ordinal))
                continue;
            var bytes = entry.Length > MaxBytes ? null : new byte[entry.Length];
            if (bytes is not null && entry.DataStream is { } data)
                await data.ReadExactlyAsync(bytes, cancellation);
            yield return new TreeFile(entry.Name, new Uri(path), bytes);
        }
    }

    private static async Task<TarEntry?> NextAsync(TarReader tar, string path, CancellationToken cancellation)
    {
        try
        {
            return await tar.GetNextEntryAsync(cancellationToken: cancellation);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException or Btf.MalformedInputException)
        {
            throw new CrawlImportException($"{path}: {e.Message}", e);
        }
    }

    private async IAsyncEnumerable<TreeFile> FromWebAsync(Uri root, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var files = await ListedAsync(root, cancellation) ?? await LinkedAsync(root, cancellation);
        foreach (var (url, digest) in files)
            yield return new TreeFile(Uri.UnescapeDataString(root.MakeRelativeUri(url).ToString()), url, await GetAsync(url, digest, MaxBytes, cancellation));
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

/// <summary>What is to be imported cannot be read at all; the message names it.</summary>
public sealed class CrawlImportException(string message, Exception? inner = null) : Exception(message, inner);
