using System.Text.Json;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>All of Debian as its mirror has it, against what a script of a few lines finds there.</summary>
[Trait("Category", "Real")]
public sealed class DebianRealTests : IDisposable
{
    private static readonly string[] Releases = ["bullseye", "bookworm", "trixie", "sid"];
    private static readonly string[] Arches = ["amd64", "arm64", "s390x"];
    private readonly CrawlWorkspace _archive = new();

    public void Dispose() => _archive.Dispose();

    [Fact]
    public async Task EveryKernelThatTheMirrorListsIsPlannedAndWhatCannotBeTrustedIsNamed()
    {
        var truth = Task.Run(Truth);
        var plan = await PlanAsync(Releases, allowExpired: false);
        AssertEqual((await truth).Where(t => t.State == "listed"), plan);
        var refused = (await truth).Where(t => t.State is "expired" or "stale").ToList();
        Assert.Equal(refused.Count, plan.Failures.Count);
        Assert.All(refused, t => Assert.Contains(plan.Failures, f =>
            f.StartsWith($"{t.Suite} {t.Arch}: ", StringComparison.Ordinal) && f.Contains(t.State == "expired" ? "was valid until" : "the signed index says", StringComparison.Ordinal)));
        Assert.Equal(plan.Selected.Count, plan.Todo.Count);

        foreach (var past in refused.Where(t => t.State == "expired").GroupBy(t => t.Suite))
            AssertEqual(past, await PlanAsync([past.Key], allowExpired: true));
    }

    /// <summary>Part by part the same packages, with the same sizes, digests and paths; and of all of them each kernel once.</summary>
    private static void AssertEqual(IEnumerable<Told> truth, CrawlPlan plan)
    {
        var parts = truth.ToList();
        Assert.Equal(
            parts.SelectMany(t => t.Kernels.Select(k => $"{t.Suite} {t.Arch}: {k}")).Order(StringComparer.Ordinal),
            plan.Listing.Packages.Select(p => $"{p.Scope}: {Describe(p)}").Order(StringComparer.Ordinal));
        Assert.Equal(
            parts.SelectMany(t => t.Kernels.Where(k => !k.Package.StartsWith("linux-modules-", StringComparison.Ordinal))
                .Select(k => $"{t.Suite.Split('-')[0]} {t.Arch} {k.Uname} {k.Version}")).Distinct().Order(StringComparer.Ordinal),
            plan.Selected.Select(k => $"{Codename(k.Build.Key.Version)} {DebianArch(k.Build.Key.Arch)} {k.Build.Key.Uname} {k.Build.PackageVersion}").Order(StringComparer.Ordinal));
    }

    private static ToldKernel Describe(FoundPackage p) => new(
        p.Build.PackageName, p.Build.PackageVersion, p.Build.Key.Uname, p.Build.PackageSha256, p.Build.PackageSize,
        p.Urls[0].AbsoluteUri[(p.Urls[0].AbsoluteUri.IndexOf("/pool/", StringComparison.Ordinal) + 1)..].Replace("%2B", "+", StringComparison.OrdinalIgnoreCase));

    private static string Codename(string version) => SourceFiles.BuiltIn("debian")!.FindRelease(version)!.Codename;

    private static string DebianArch(string arch) => arch == "x86_64" ? "amd64" : arch;

    private async Task<CrawlPlan> PlanAsync(string[] releases, bool allowExpired)
    {
        using var store = await _archive.OpenAsync();
        using var crawls = new CrawlFactory(store, TimeProvider.System, NullLoggerFactory.Instance, _archive.Data);
        return await crawls.Create("debian").PlanAsync(new CrawlRequest
        {
            Releases = releases,
            Arches = Arches,
            Flavours = [CrawlRequest.All],
            Newest = int.MaxValue,
            AllowExpired = allowExpired,
            // One mirror: the script asks no other.
            Mirrors = new MirrorOverride([new Uri(DebianPackage.Mirror("sid"))], [new Uri(DebianPackage.Mirror("sid-security"))], null),
        }, null, default);
    }

    private static List<Told> Truth()
    {
        var suites = SourceFiles.BuiltIn("debian")!.Releases.Where(r => Releases.Contains(r.Codename)).SelectMany(r => r.Repositories).Select(r => r.Name);
        var script = Path.Combine(Checkout.Root, "tests", "Archive.Crawler.Tests", "list-debian-kernels");
        var output = Tool.Run("python3", [script, DebianPackage.Mirror("sid"), DebianPackage.Mirror("sid-security"), string.Join(',', Arches), .. suites]);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Told.Parse)];
    }

    private sealed record Told(string Suite, string Arch, string State, IReadOnlyList<ToldKernel> Kernels)
    {
        public static Told Parse(string line)
        {
            var told = JsonDocument.Parse(line).RootElement;
            var kernels = told.TryGetProperty("kernels", out var list) ? list.EnumerateArray().Select(k => new ToldKernel(
                k[0].GetString()!, k[1].GetString()!, k[2].GetString()!, k[3].GetString()!, k[4].GetInt64(), k[5].GetString()!)) : [];
            return new Told(told.GetProperty("suite").GetString()!, told.GetProperty("arch").GetString()!, told.GetProperty("state").GetString()!, [.. kernels]);
        }
    }

    private sealed record ToldKernel(string Package, string Version, string Uname, string Sha256, long Size, string Path);
}
