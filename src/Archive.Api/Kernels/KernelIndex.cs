using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>Questions to the catalogue that several endpoints ask.</summary>
public sealed class KernelIndex(ICatalogue catalogue)
{
    /// <summary>Every build under the key, newest package version first.</summary>
    public async Task<IReadOnlyList<KernelRecord>> BuildsAsync(KernelKey key, CancellationToken cancellation)
    {
        var records = await catalogue.ListAsync(
            new KernelFilter { Distro = key.Distro, Version = key.Version, Arch = key.Arch, Uname = key.Uname }, cancellation);
        return NewestFirst(records);
    }

    /// <summary>Every build of this uname, wherever it is, newest package version first.</summary>
    public async Task<IReadOnlyList<KernelRecord>> BuildsAsync(string uname, CancellationToken cancellation) =>
        NewestFirst(await catalogue.ListAsync(new KernelFilter { Uname = uname }, cancellation));

    public static bool IsServed(KernelRecord record) => record is { Outcome: Outcome.Published or Outcome.Conflict, Publication: not null };

    /// <summary>Unames of the same series (the part before the first dash) at the same place, published, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<KernelRecord>> NearAsync(string? distro, string? version, string? arch, string uname, int limit, CancellationToken cancellation)
    {
        var series = uname.Split('-', '+')[0];
        var records = await catalogue.ListAsync(
            new KernelFilter { Distro = distro, Version = version, Arch = arch, UnamePattern = $"{series}*", Outcome = Outcome.Published }, cancellation);
        return [.. NewestFirst(records).Take(limit)];
    }

    private static IReadOnlyList<KernelRecord> NewestFirst(IReadOnlyList<KernelRecord> records) =>
        [.. records.OrderByDescending(r => r.Build.PackageVersion, PackageVersionOrder.Instance)];
}
