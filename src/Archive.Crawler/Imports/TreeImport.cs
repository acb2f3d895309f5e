using System.Security.Cryptography;
using Archive.Crawler.Http;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Extractor;
using Archive.Store;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Btf;

namespace Archive.Crawler.Imports;

/// <param name="Present">Kernels that the archive has already, from their packages or from an import before.</param>
/// <param name="Problems">Why files were refused, the first hundred, each with its path.</param>
public sealed record ImportReport(int Files, int Published, int Present, int Refused, IReadOnlyList<string> Problems);

/// <summary>
/// Takes over what another archive has: each file is checked as if we had made it, and published with a provenance that says it was
/// not. A build made of the distro's own package takes its place whenever it comes.
/// </summary>
public sealed class TreeImport(ArchiveStore store, HttpClient client, TimeProvider clock)
{
    /// <summary>Older than any package's, in every distro's order.</summary>
    public const string PackageVersion = "0~imported", PackageName = "btfhub-archive";

    private const int MaxProblems = 100;
    private readonly KernelPublisher _publisher = new(store.Blobs, store.Catalogue, clock);

    /// <param name="place">As <see cref="TreeFiles.ReadAsync"/> takes it.</param>
    /// <exception cref="CrawlImportException">There is nothing of the kind.</exception>
    /// <exception cref="MirrorException">The server failed.</exception>
    public async Task<ImportReport> RunAsync(string place, IProgress<string>? progress, CancellationToken cancellation)
    {
        var (files, published, present, problems, refused) = (0, 0, 0, new List<string>(), 0);
        await foreach (var file in new TreeFiles(client, clock).ReadAsync(place, cancellation))
        {
            files++;
            try
            {
                if (await TakeAsync(file, cancellation))
                    published++;
                else
                    present++;
                progress?.Report(file.Path);
            }
            catch (Exception e) when (e is MalformedInputException or ValidationException or ConflictException)
            {
                refused++;
                if (problems.Count < MaxProblems)
                    problems.Add($"{file.Path}: {e.Message}");
                progress?.Report($"{file.Path}: {e.Message}");
            }
        }
        return files > 0 ? new ImportReport(files, published, present, refused, problems) : throw new CrawlImportException($"'{place}' has no .btf.tar.xz");
    }

    /// <summary>The kernel of a path <c>…/{distro}/{version}/{arch}/{uname}.btf.tar.xz</c>; null where it is none.</summary>
    internal static KernelKey? KeyOf(string path)
    {
        var parts = path.Split('/');
        return parts.Length < 4 ? null : KernelNames.Key(parts[^4], parts[^3], parts[^2], parts[^1][..^".btf.tar.xz".Length]);
    }

    /// <returns>False where the archive has the kernel.</returns>
    private async Task<bool> TakeAsync(TreeFile file, CancellationToken cancellation)
    {
        var key = KeyOf(file.Path) ?? throw new ValidationException("path: it does not end in distro/version/arch/uname.btf.tar.xz");
        var bytes = file.Bytes ?? throw new ValidationException(file.Problem!);
        var known = await store.Catalogue.ListAsync(new KernelFilter { Distro = key.Distro, Version = key.Version, Arch = key.Arch, Uname = key.Uname }, cancellation);
        if (known.Any(k => k.Publication is not null))
            return false;
        var build = new KernelBuild
        {
            Key = key,
            PackageName = PackageName,
            PackageVersion = PackageVersion,
            PackageSha256 = Convert.ToHexStringLower(SHA256.HashData(bytes)),
            PackageSize = bytes.Length,
            PackageUrl = file.Url,
        };
        using var scratch = store.Work.TryEnter(build);
        if (scratch is null)
            return false;
        await PublishAsync(build, ImportedBtf.Read(bytes, key), file.Url, cancellation);
        return true;
    }

    private Task PublishAsync(KernelBuild build, ConvertedKernel kernel, Uri from, CancellationToken cancellation)
    {
        var package = new FoundPackage(build, "", PackageGrade.Debug, 0, NoteOnly: false, Checksum: null, Index: null, [from]);
        return _publisher.PublishAsync(new FoundKernel(package), new FetchedKernel(kernel, null, build.PackageSize) { Build = build, ImportedFrom = from }, cancellation);
    }
}
