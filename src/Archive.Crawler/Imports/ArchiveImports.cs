using Archive.Crawler.Http;
using Archive.Store;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Crawler.Imports;

/// <param name="Distros">Whose kernels are in the list.</param>
/// <param name="LeftOut">The list's names of those that no source is about.</param>
public sealed record ListReport(int Kernels, IReadOnlyList<string> Distros, IReadOnlyList<string> LeftOut);

/// <summary>What an archive can take over from others.</summary>
public sealed class ArchiveImports(ArchiveStore store, TimeProvider clock) : IDisposable
{
    private const int MaxListBytes = 256 << 20;
    private static readonly string[] Arches = ["x86_64", "arm64", "s390x", "ppc64le", "riscv64", "armhf", "i386"];
    private readonly CrawlClient _http = CrawlClient.Plain(clock, null);

    /// <inheritdoc cref="TreeImport.RunAsync"/>
    public Task<ImportReport> TreeAsync(string place, IProgress<string>? progress, CancellationToken cancellation) =>
        new TreeImport(store, _http.Client, clock).RunAsync(place, progress, cancellation);

    /// <summary>Records what a list of falcosecurity/kernel-crawler has; what an earlier one had and this one has not is marked as gone.</summary>
    /// <param name="place">File or URL.</param>
    /// <exception cref="CrawlImportException">It is no such list, or there is no such arch.</exception>
    /// <exception cref="MirrorException">The server failed.</exception>
    public async Task<ListReport> ListAsync(string place, string arch, CancellationToken cancellation)
    {
        var canonical = KernelNames.Arch(arch);
        if (canonical is null || !Arches.Contains(canonical))
            throw new CrawlImportException($"'{arch}' is no architecture; {string.Join(", ", Arches)} are");
        await using var json = await OpenAsync(place, cancellation);
        var (listed, leftOut) = KernelCrawlerList.Parse(json, canonical);
        var kernels = new List<ListedKernel>();
        foreach (var kernel in listed)
            kernels.AddRange(await PlacedAsync(kernel, cancellation));
        await store.Catalogue.RecordListingAsync(KernelCrawlerList.Source, [.. kernels.Select(k => k.Scope).Distinct()], kernels, cancellation);
        return new ListReport(kernels.Count, [.. kernels.Select(k => k.Key.Distro).Distinct()], leftOut);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>A kernel whose version nothing tells is of those versions that a source lists it under.</summary>
    private async Task<IReadOnlyList<ListedKernel>> PlacedAsync(ListedKernel kernel, CancellationToken cancellation)
    {
        if (kernel.Key.Version != KernelCrawlerList.UnknownVersion)
            return [kernel];
        var known = await store.Catalogue.ListAsync(new KernelFilter { Distro = kernel.Key.Distro, Arch = kernel.Key.Arch, Uname = kernel.Key.Uname }, cancellation);
        return known.Count == 0 ? [kernel] : [.. known.Select(k => k.Build.Key).Distinct().Select(key => kernel with { Key = key })];
    }

    private async Task<Stream> OpenAsync(string place, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(place, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
            return File.Exists(place) ? File.OpenRead(place) : throw new CrawlImportException($"'{place}' is no file and no URL");
        await using var body = new PackageStream(_http.Client, url, null, null, clock);
        var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int count; (count = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (bytes.Length + count > MaxListBytes)
                throw new CrawlImportException($"{url} has more than {MaxListBytes} bytes");
            bytes.Write(buffer, 0, count);
        }
        bytes.Position = 0;
        return bytes;
    }
}
