using System.Collections.Frozen;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>Where kernels stand together: one distro, version and arch.</summary>
public readonly record struct Place(string Distro, string Version, string Arch)
{
    public static Place Of(KernelKey key) => new(key.Distro, key.Version, key.Arch);

    public override string ToString() => $"{Distro}/{Version}/{Arch}";
}

/// <summary>One build in a few words: what lists, charts and suggestions show of it.</summary>
/// <param name="TakenFrom">Null where nothing is served of it, as the three after it.</param>
/// <param name="RawSize">Bytes.</param>
/// <param name="RawSha256">Equal digests are equal BTF.</param>
public sealed record RosterBuild(
    long Sequence, KernelKey Key, string Package, string PackageVersion, Outcome Outcome, string? Reason, DateTimeOffset FirstSeen, DateTimeOffset Updated,
    DateTimeOffset? PublishedAt, string? TakenFrom, bool ShipsBtf, long RawSize, Sha256Digest? RawSha256)
{
    /// <summary>Two states of one build.</summary>
    public static IEqualityComparer<RosterBuild> SameBuild { get; } = EqualityComparer<RosterBuild>.Create(
        (a, b) => a?.Key == b?.Key && a?.Package == b?.Package && a?.PackageVersion == b?.PackageVersion,
        build => HashCode.Combine(build.Key.Uname, build.PackageVersion));

    public bool IsServed => RawSha256 is not null;

    /// <summary>What the uname ends with (<c>cloud-amd64</c>): kernels of one flavour follow each other.</summary>
    public string Flavour { get; } = string.Intern(KernelFlavour.Of(Key.Uname));

    public static RosterBuild Of(KernelRecord record)
    {
        var (key, publication) = (record.Build.Key, KernelIndex.IsServed(record) ? record.Publication : null);
        return new RosterBuild(
            record.Sequence,
            new KernelKey(string.Intern(key.Distro), string.Intern(key.Version), string.Intern(key.Arch), key.Uname),
            record.Build.PackageName, record.Build.PackageVersion, record.Outcome, record.Reason, record.FirstSeen, record.Updated,
            publication?.PublishedAt, publication is null ? null : string.Intern(publication.TakenFrom), publication?.ShipsBtf ?? record.Outcome == Outcome.Native, publication?.Raw.Size ?? 0, publication is null ? null : Sha256Digest.Parse(publication.Raw.Sha256));
    }
}

/// <summary>The builds of one place, newest first by the number in the uname, then by package version.</summary>
public sealed class Shelf
{
    private readonly Lazy<IReadOnlyList<RosterBuild>> _builds;

    internal Shelf(Place place, IReadOnlyCollection<RosterBuild> builds)
    {
        Place = place;
        Count = builds.Count;
        _builds = new(() => [.. builds
            .OrderByDescending(build => build.Key.Uname, PackageVersionOrder.Instance)
            .ThenByDescending(build => build.PackageVersion, PackageVersionOrder.Of(place.Distro))]);
    }

    public Place Place { get; }

    public int Count { get; }

    public IReadOnlyList<RosterBuild> Builds => _builds.Value;

    /// <summary>Kernels of a flavour of which something is served, newest first, one build each.</summary>
    public IReadOnlyList<RosterBuild> Branch(string flavour) => [.. Builds.Where(build => build.IsServed && build.Flavour == flavour).DistinctBy(build => build.Key.Uname)];
}

/// <summary>Every build that the catalogue knew at one moment.</summary>
public sealed class Roster
{
    private readonly FrozenDictionary<Place, Shelf> _shelves;
    private readonly Lazy<ILookup<string, RosterBuild>> _byUname;
    private readonly Lazy<IReadOnlyList<string>> _unames;
    private readonly Lazy<IReadOnlyList<RosterBuild>> _recent;
    private readonly Lazy<KernelKey?> _default;

    /// <param name="earlier">What was known before; what it worked out is gone on with.</param>
    internal Roster(IEnumerable<Shelf> shelves, Roster? earlier)
    {
        var ordered = earlier is { _unames.IsValueCreated: true } ? earlier.Unames : [];
        _shelves = shelves.ToFrozenDictionary(shelf => shelf.Place);
        Shelves = [.. _shelves.Values.OrderBy(s => s.Place.Distro, StringComparer.Ordinal).ThenByDescending(s => s.Place.Version, PackageVersionOrder.Instance).ThenBy(s => s.Place.Arch, StringComparer.Ordinal)];
        Count = Shelves.Sum(shelf => shelf.Count);
        _byUname = new(() => Builds.ToLookup(build => build.Key.Uname, StringComparer.Ordinal));
        _unames = new(() => Ordered(ordered, _byUname.Value));
        _default = new(() => (Newest(Shelves.Where(shelf => shelf.Place.Arch == "x86_64")) ?? Newest(Shelves))?.Key);
        _recent = new(() => [.. Builds.Where(build => build.IsServed).OrderByDescending(build => build.PublishedAt).ThenByDescending(build => build.Sequence)]);
    }

    /// <summary>In order of distro, version (newest first) and arch.</summary>
    public IReadOnlyList<Shelf> Shelves { get; }

    public int Count { get; }

    public IEnumerable<RosterBuild> Builds => Shelves.SelectMany(shelf => shelf.Builds);

    /// <summary>Each once, newest first.</summary>
    public IReadOnlyList<string> Unames => _unames.Value;

    /// <summary>What is served, latest publication first.</summary>
    public IReadOnlyList<RosterBuild> Recent => _recent.Value;

    /// <summary>The newest kernel of x86_64, or else of any arch: what types are shown of where no kernel is named. Null where nothing is served.</summary>
    public KernelKey? Default => _default.Value;

    /// <summary>The builds of a uname, wherever they are.</summary>
    public IEnumerable<RosterBuild> Named(string uname) => _byUname.Value[uname];

    public Shelf? Find(Place place) => _shelves.GetValueOrDefault(place);

    /// <summary>A hundred thousand names take a second to order, so that few new ones are put in their places.</summary>
    private static List<string> Ordered(IReadOnlyList<string> earlier, ILookup<string, RosterBuild> byUname)
    {
        var fresh = byUname.Select(group => group.Key).Except(earlier).ToList();
        if (fresh.Count > earlier.Count / 100)
            return [.. byUname.Select(group => group.Key).OrderDescending(PackageVersionOrder.Instance)];
        var names = new List<string>(earlier);
        var newestFirst = Comparer<string>.Create((a, b) => PackageVersionOrder.Instance.Compare(b, a));
        foreach (var name in fresh)
            names.Insert(names.BinarySearch(name, newestFirst) is >= 0 and var at ? at : ~names.BinarySearch(name, newestFirst), name);
        return names;
    }

    private static RosterBuild? Newest(IEnumerable<Shelf> shelves) =>
        shelves.Select(shelf => shelf.Builds.FirstOrDefault(build => build.IsServed)).OfType<RosterBuild>().MaxBy(build => build.Key.Uname, PackageVersionOrder.Instance);
}
