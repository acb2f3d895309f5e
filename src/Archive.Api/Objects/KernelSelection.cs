using System.Globalization;
using Archive.Api.Endpoints;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Btf.CoRe.Compatibility;

namespace Archive.Api.Objects;

/// <summary>One kernel that was selected: the newest build that is served under its key.</summary>
public sealed record SelectedKernel(KernelBuild Build, Publication Publication)
{
    public KernelKey Key => Build.Key;

    /// <summary>Kernels that follow each other: distro, version, arch, and what the uname ends with (<c>cloud-amd64</c>).</summary>
    public string Branch => $"{Key.Distro}/{Key.Version}/{Key.Arch}{(Flavour.Length > 0 ? $" {Flavour}" : "")}";

    public string Flavour => KernelFlavour.Of(Key.Uname);

    /// <summary>What programs see as <c>LINUX_KERNEL_VERSION</c>: Debian's unames stay while the version goes on, so loaders take it from the package there.</summary>
    public ulong? Version => KernelVersion.Of(Key.Distro == "debian" ? Build.PackageVersion : Key.Uname);
}

/// <summary>Which kernels a request is about. Every part is optional; those that may be given several times mean any of them.</summary>
public sealed record KernelSelection
{
    public IReadOnlyList<string> Distros { get; init; } = [];
    public IReadOnlyList<string> Versions { get; init; } = [];
    public IReadOnlyList<string> Archs { get; init; } = [];

    /// <summary>With * and ?.</summary>
    public string? UnamePattern { get; init; }

    /// <summary>Published at or after this.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Published before this.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only kernels that do not ship their own BTF: hosts of the others need none.</summary>
    public bool LacksBtf { get; init; }

    /// <summary>From the query: distro, version, arch, uname, since, until, lacks_btf.</summary>
    /// <exception cref="BadHttpRequestException">A value that cannot be meant.</exception>
    public static KernelSelection Parse(HttpRequest request)
    {
        var query = request.Query;
        var distros = Values(query["distro"], KernelNames.Distro, "distro");
        var uname = query["uname"].ToString();
        return new KernelSelection
        {
            Distros = distros,
            Versions = Values(query["version"], value => KernelNames.Version(distros.Count == 1 ? distros[0] : null, value), "version"),
            Archs = Values(query["arch"], KernelNames.Arch, "arch"),
            UnamePattern = uname.Length == 0 ? null : RawQuery.LiteralPlus(request, "uname"),
            Since = Time(query, "since"),
            Until = Time(query, "until"),
            LacksBtf = query["lacks_btf"].ToString() is "true" or "1",
        };
    }

    private static List<string> Values(IEnumerable<string?> values, Func<string?, string?> canonical, string name) =>
        [.. values.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
            .Select(value => canonical(value) ?? throw new BadHttpRequestException($"'{value}' is no {name}."))
            .Distinct(StringComparer.Ordinal)];

    private static DateTimeOffset? Time(IQueryCollection query, string name)
    {
        var text = query[name].ToString();
        if (text.Length == 0)
            return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new BadHttpRequestException($"{name} is '{text}', which is no time: 2026-01-31 or 2026-01-31T12:00:00Z.");
    }

    /// <summary>The kernels, by distro, version, arch and flavour, oldest first.</summary>
    public async Task<List<SelectedKernel>> ListAsync(ICatalogue catalogue, CancellationToken cancellation)
    {
        var newest = new Dictionary<KernelKey, SelectedKernel>();
        var filter = new KernelFilter { Distro = Only(Distros), Version = Only(Versions), Arch = Only(Archs), UnamePattern = UnamePattern };
        await foreach (var record in catalogue.PublishedAsync(filter, cancellation))
        {
            if (Matches(record))
                Take(newest, record);
        }
        return [.. newest.Values
            .OrderBy(kernel => kernel.Key.Distro, StringComparer.Ordinal)
            .ThenBy(kernel => kernel.Key.Version, PackageVersionOrder.Instance)
            .ThenBy(kernel => kernel.Key.Arch, StringComparer.Ordinal)
            .ThenBy(kernel => kernel.Flavour, StringComparer.Ordinal)
            .ThenBy(kernel => kernel.Key.Uname, PackageVersionOrder.Instance)];
    }

    private static void Take(Dictionary<KernelKey, SelectedKernel> newest, KernelRecord record)
    {
        if (newest.TryGetValue(record.Build.Key, out var known) && PackageVersionOrder.Instance.Compare(known.Build.PackageVersion, record.Build.PackageVersion) >= 0)
            return;
        newest[record.Build.Key] = new SelectedKernel(record.Build, record.Publication!);
    }

    private bool Matches(KernelRecord record)
    {
        var key = record.Build.Key;
        return IsAmong(Distros, key.Distro) && IsAmong(Versions, key.Version) && IsAmong(Archs, key.Arch)
            && !(LacksBtf && record.Publication!.ShipsBtf) && !(record.Publication!.PublishedAt < Since) && !(record.Publication!.PublishedAt >= Until);
    }

    private static string? Only(IReadOnlyList<string> values) => values.Count == 1 ? values[0] : null;

    private static bool IsAmong(IReadOnlyList<string> values, string value) => values.Count == 0 || values.Contains(value, StringComparer.Ordinal);
}
