using Archive.Crawler.Runs;
using Archive.Store.Kernels;

namespace Archive.Crawler.Sources;

/// <summary>Makes kernels of listed packages, and takes those that a request is about.</summary>
internal static class KernelSelection
{
    /// <summary>The newest kernels of each release, arch and flavour, newest first.</summary>
    /// <param name="packages">In the order of the repositories: the same package in two of them is one.</param>
    public static List<FoundKernel> Of(IEnumerable<FoundPackage> packages, SourceDefinition source, CrawlRequest request)
    {
        var flavours = request.Flavours.Count > 0 ? request.Flavours : source.DefaultFlavours;
        var order = PackageVersionOrder.Of(source.Distro);
        return [.. ByKernel(packages.Where(p => flavours.Any(f => f == CrawlRequest.All || f == p.Flavour) && request.WantsUname(p.Build.Key.Uname)))
            .Select(all => Kernel(all, request))
            .OfType<FoundKernel>()
            .GroupBy(k => (k.Build.Key.Version, k.Build.Key.Arch, k.Flavour))
            .SelectMany(group => group
                .OrderByDescending(k => k.Build.PackageVersion, order)
                .ThenByDescending(k => k.Build.Key.Uname, order)
                .Take(request.Newest)
                .Select((kernel, age) => kernel with { Age = age }))];
    }

    private static IEnumerable<List<FoundPackage>> ByKernel(IEnumerable<FoundPackage> packages)
    {
        var kernels = new Dictionary<(KernelKey, string), List<FoundPackage>>();
        foreach (var package in packages)
        {
            var id = (package.Build.Key, package.Build.PackageVersion);
            if (!kernels.TryGetValue(id, out var all))
                kernels[id] = all = new List<FoundPackage>(1);
            if (!all.Exists(p => p.Build.PackageName == package.Build.PackageName))
                all.Add(package);
        }
        return kernels.Values;
    }

    /// <summary>One kernel of all its packages; null where none of them is of a grade that the request wants.</summary>
    private static FoundKernel? Kernel(List<FoundPackage> packages, CrawlRequest request)
    {
        FoundPackage[] modules = [.. packages.Where(p => p.Grade == PackageGrade.Modules)];
        FoundKernel? kernel = null;
        foreach (var package in packages.Where(p => request.WantsGrade(p.Grade)).OrderByDescending(p => p.Rank))
            kernel = new FoundKernel(package) { Otherwise = kernel, Modules = modules };
        return kernel;
    }
}
