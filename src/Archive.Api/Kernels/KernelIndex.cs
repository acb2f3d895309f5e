using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>What is known around a kernel that is not there.</summary>
/// <param name="Near">Published kernels of the same series, likest first.</param>
/// <param name="Elsewhere">The same uname at places that the question excludes.</param>
/// <param name="LastCrawl">The latest crawl of the distro, where the question or the nearest kernels tell which one.</param>
public sealed record Surroundings(IReadOnlyList<KernelRecord> Near, IReadOnlyList<KernelRecord> Elsewhere, CrawlRunRecord? LastCrawl);

/// <summary>Questions to the catalogue that several endpoints ask.</summary>
public sealed class KernelIndex(ICatalogue catalogue)
{
    private const int MaxNear = 5, MaxElsewhere = 10, MaxSeries = 400;

    /// <summary>Every build under the key, newest package version first.</summary>
    public async Task<IReadOnlyList<KernelRecord>> BuildsAsync(KernelKey key, CancellationToken cancellation)
    {
        var builds = await BuildsAsync(key.Uname, cancellation);
        return builds.All(b => b.Build.Key == key) ? builds : [.. builds.Where(b => b.Build.Key == key)];
    }

    /// <summary>Every build of this uname, wherever it is, newest package version first.</summary>
    public Task<IReadOnlyList<KernelRecord>> BuildsAsync(string uname, CancellationToken cancellation) => catalogue.FindByUnameAsync(uname, cancellation);

    public static bool IsServed(KernelRecord record) => record is { Outcome: Outcome.Published or Outcome.Conflict, Publication: not null };

    public async Task<Surroundings> SurroundingsAsync(Resolution resolution, CancellationToken cancellation)
    {
        var question = resolution.Question;
        if (question.Uname is not { } uname)
            return new Surroundings([], [], null);
        var near = await NearAsync(question, uname, cancellation);
        var elsewhere = (await BuildsAsync(uname, cancellation)).Where(b => IsServed(b) && !resolution.Builds.Contains(b)).Take(MaxElsewhere).ToList();
        var distro = question.Distro ?? (question.Hints.Count > 0 ? question.Hints[0].Distro : null);
        var runs = distro is null ? [] : await catalogue.RunsAsync(distro, 1, cancellation);
        return new Surroundings(near, elsewhere, runs.Count > 0 ? runs[0] : null);
    }

    /// <summary>Published unames of the same series (the part before the first dash) at the same place, likest first: by the length of what they share, which neighbours do most.</summary>
    private async Task<IReadOnlyList<KernelRecord>> NearAsync(LookupQuestion question, string uname, CancellationToken cancellation)
    {
        var series = uname.Split('-', '+')[0];
        if (series.Length == 0)
            return [];
        var place = new KernelFilter { Distro = question.Distro, Version = question.Version, Arch = question.Arch, Limit = MaxSeries / 2 };
        var records = await catalogue.NeighboursAsync(series, uname, place, cancellation);
        return [.. NewestFirst(records).Where(r => r.Build.Key.Uname != uname).OrderByDescending(r => Likeness(r.Build.Key.Uname, uname)).Take(MaxNear)];
    }

    /// <summary>The same flavour (what follows the last dash or dot) counts most, then the common beginning.</summary>
    private static int Likeness(string uname, string wanted) =>
        uname.AsSpan().CommonPrefixLength(wanted) + (Flavour(uname) == Flavour(wanted) ? 100 : 0);

    private static string Flavour(string uname) => uname[(uname.LastIndexOfAny(['-', '.']) + 1)..];

    private static IReadOnlyList<KernelRecord> NewestFirst(IReadOnlyList<KernelRecord> records) =>
        records.Count < 2 ? records : [.. records.OrderByDescending(r => r.Build.PackageVersion, PackageVersionOrder.Instance)];
}
