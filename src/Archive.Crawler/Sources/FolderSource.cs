using System.Globalization;
using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Directories;
using Archive.Crawler.Runs;
using Archive.Extractor;
using Archive.Store.Kernels;

namespace Archive.Crawler.Sources;

/// <summary>
/// Lists the kernel packages in a folder of this machine, and in those below it, or a single package: for sites without a network, and for
/// kernels of one's own, be they packages or the vmlinux of a build. There is no index; digest and size are those of the file as it is read.
/// </summary>
public sealed class FolderSource(SourceDefinition definition, HostIdentity host) : RepositorySource(definition, host)
{
    protected override Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation) =>
        FirstGoodAsync(part, UrlsOf(part, request), u => u, sites => Task.FromResult(Read(sites[0], part)), progress);

    private List<FoundPackage> Read(Uri place, ListingPart part)
    {
        var files = FilesOf(place.LocalPath.TrimEnd('/')) ?? throw new MirrorException(place, "there is no such folder or file", isMissing: true);
        return [.. files.Select(f => Describe(f, part)).OfType<FoundPackage>()];
    }

    private static IEnumerable<FileInfo>? FilesOf(string path)
    {
        if (File.Exists(path))
            return [new FileInfo(path)];
        // Links are followed nowhere: they may lead out of the folder, or in circles.
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        return Directory.Exists(path) ? new DirectoryInfo(path).EnumerateFiles("*", options).OrderBy(f => f.FullName, StringComparer.Ordinal) : null;
    }

    private FoundPackage? Describe(FileInfo file, ListingPart part)
    {
        if (file.Name.StartsWith(BareKernel.Name, StringComparison.Ordinal))
            return DescribeImage(file, part);
        return PackageFileName.Parse(Uri.UnescapeDataString(file.Name)) is { } package && part.Arches.Contains(package.Name.Arch)
            ? Describe(package with { Size = file.Length }, part, null, [new Uri(file.FullName)])
            : null;
    }

    /// <summary>Its release and arch stand inside. What takes the place of a package's version is when it was built: another build is another version.</summary>
    private FoundPackage? DescribeImage(FileInfo file, ListingPart part)
    {
        if (BareKernel.Read(file.FullName) is not { } kernel || !part.Arches.Any(a => Definition.Arches[a] == kernel.Arch)
            || KernelNames.Key(Definition.Distro, part.Release.Version, kernel.Arch, kernel.Release) is not { } key)
            return null;
        var build = new KernelBuild
        {
            Key = key,
            PackageName = BareKernel.Name,
            PackageVersion = file.LastWriteTimeUtc.ToString("yyyy.MM.dd.HHmmss", CultureInfo.InvariantCulture),
            PackageSha256 = "",
            PackageSize = file.Length,
            PackageUrl = new Uri(file.FullName),
        };
        return new FoundPackage(build, Definition.FlavourOf(key.Uname), PackageGrade.Debug, 0, NoteOnly: false, Checksum: null, Index: null, [build.PackageUrl]) { Scope = part.Name };
    }
}
