using Archive.Crawler.Http;
using Archive.Store;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Crawler.Imports;

/// <param name="Distros">Whose kernels are in the list, and how many.</param>
/// <param name="LeftOut">The list's names of those that no source is about.</param>
public sealed record ListReport(int Kernels, IReadOnlyDictionary<string, int> Distros, IReadOnlyList<string> LeftOut);

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
    /// <param name="arch">Whose list it is; null for the one in the place's path, such as <c>aarch64/list.json</c>.</param>
    /// <exception cref="CrawlImportException">It is no such list, or there is no such arch.</exception>
    /// <exception cref="MirrorException">The server failed.</exception>
    public async Task<ListReport> ListAsync(string place, string? arch, CancellationToken cancellation)
    {
        var canonical = ArchOf(place, arch);
        await using var json = await OpenAsync(place, cancellation);
        var (listed, leftOut) = KernelCrawlerList.Parse(json, canonical);
        var kernels = new List<ListedKernel>();
        foreach (var kernel in listed)
            kernels.AddRange(await PlacedAsync(kernel, cancellation));
        await store.Catalogue.RecordListingAsync(KernelCrawlerList.Source, [.. kernels.Select(k => k.Scope).Distinct()], kernels, cancellation);
        return new ListReport(kernels.Count, kernels.CountBy(k => k.Key.Distro).ToDictionary(), leftOut);
    }

    public void Dispose() => _http.Dispose();

    private static string ArchOf(string place, string? arch)
    {
        if (arch is null)
        {
            return place.Split('/').Select(KernelNames.Arch).FirstOrDefault(a => a is not null && Arches.Contains(a))
                ?? throw new CrawlImportException($"'{place}' does not tell whose list it is: name the architecture");
        }
        return KernelNames.Arch(arch) is { } canonical && Arches.Contains(canonical)
            ? canonical
            : throw new CrawlImportException($"'{arch}' is no architecture; {string.Join(", ", Arches)} are");
    }

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
        var at = ImportPlace.Parse(place);
        if (at.Path is { } path)
            return Directory.Exists(path) ? throw new CrawlImportException($"'{path}' is a folder, and no list") : File.OpenRead(path);
        await using var body = new PackageStream(_http.Client, at.Url!, null, null, clock);
        var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int count; (count = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (bytes.Length + count > MaxListBytes)
                throw new CrawlImportException($"{at.Url} has more than {MaxListBytes} bytes");
            bytes.Write(buffer, 0, count);
        }
        bytes.Position = 0;
        return bytes;
    }
}
