using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>A question about a kernel, in canonical names.</summary>
/// <param name="Hints">Distros that the kernel's own words point to.</param>
public sealed record LookupQuestion(
    string? Uname, string? Arch, string? Distro, string? Version, string? BuildId, IReadOnlyList<DistroHint> Hints)
{
    /// <summary>The question for the kernel at one place.</summary>
    public static LookupQuestion Of(KernelKey key) => new(key.Uname, key.Arch, key.Distro, key.Version, null, []);

    /// <summary>Null where neither a uname nor a build-id can be made out. What is given by name beats the os-release text.</summary>
    public static LookupQuestion? Parse(string? uname, string? arch, string? distro, string? version, string? buildId, string? osRelease)
    {
        var text = string.IsNullOrWhiteSpace(uname) ? null : UnameText.Parse(uname);
        var release = text?.Release ?? KernelNames.Uname(uname);
        return release is null && string.IsNullOrWhiteSpace(buildId) ? null : Of(text, arch, distro, version, buildId, osRelease) with { Uname = release };
    }

    /// <summary>The question of a text that was read already.</summary>
    public static LookupQuestion Of(UnameText? text, string? arch, string? distro, string? version, string? buildId, string? osRelease)
    {
        var os = string.IsNullOrWhiteSpace(osRelease) ? null : OsRelease.Parse(osRelease);
        return new LookupQuestion(
            text?.Release,
            text?.Arch ?? KernelNames.Arch(arch),
            string.IsNullOrWhiteSpace(distro) ? os?.Distro : KernelNames.Distro(distro),
            string.IsNullOrWhiteSpace(version) ? os?.Version : KernelNames.Version(distro ?? os?.Id, version),
            string.IsNullOrWhiteSpace(buildId) ? null : buildId.Trim().ToLowerInvariant(),
            text?.Hints ?? []);
    }
}

/// <summary>
/// Ranks the published builds that can be meant. What the question states excludes builds that contradict it; hints from the
/// kernel's own words only rank. Nothing is guessed: where the best candidates differ in content, the answer says that it is
/// ambiguous.
/// </summary>
public sealed class KernelLookup(ICatalogue catalogue, KernelIndex index)
{
    private const int BuildIdScore = 1000, UnameScore = 100, DistroScore = 40, VersionScore = 20, ArchScore = 10, HintScore = 8, OlderBuildPenalty = -1;

    /// <returns>The answer, and every known build that the question can mean, published or not.</returns>
    public async Task<(LookupAnswer Answer, IReadOnlyList<KernelRecord> Builds)> FindAsync(LookupQuestion question, CancellationToken cancellation)
    {
        var builds = question.BuildId is { } id ? await catalogue.FindByBuildIdAsync(id, cancellation) : [];
        if (builds.Count == 0 && question.Uname is { } uname)
            builds = await index.BuildsAsync(uname, cancellation);
        var possible = builds.Where(b => !Contradicts(b.Build.Key, question)).ToList();
        return (Rank(question, possible), possible);
    }

    /// <summary>Pure: the answer that these builds, newest first, give.</summary>
    public static LookupAnswer Rank(LookupQuestion question, IReadOnlyList<KernelRecord> builds)
    {
        var seen = new HashSet<KernelKey>();
        var candidates = builds
            .Where(KernelIndex.IsServed)
            .Select(b => Judge(question, b, isNewest: seen.Add(b.Build.Key)))
            .OrderByDescending(c => c.Score)
            .ThenBy(c => $"{c.Kernel.Distro}/{c.Kernel.Version}/{c.Kernel.Arch}", StringComparer.Ordinal)
            .ToList();
        var best = candidates.TakeWhile(c => c.Score == candidates[0].Score);
        var query = new LookupQuery(question.Uname, question.Arch, question.Distro, question.Version, question.BuildId);
        return new LookupAnswer(query, best.Select(c => c.Kernel.Btf!.Sha256).Distinct().Count() > 1, candidates);
    }

    private static bool Contradicts(KernelKey key, LookupQuestion question) =>
        Differs(question.Uname, key.Uname) || Differs(question.Arch, key.Arch)
        || Differs(question.Distro, key.Distro) || Differs(question.Version, key.Version);

    private static bool Differs(string? asked, string actual) => asked is not null && asked != actual;

    private static LookupCandidate Judge(LookupQuestion question, KernelRecord record, bool isNewest)
    {
        var key = record.Build.Key;
        var score = 0;
        var reasons = new List<string>();
        Count(question.BuildId is { } id && record.Publication!.BuildId == id, BuildIdScore, "the build-id is this kernel's");
        Count(question.Uname == key.Uname, UnameScore, "the release is the same");
        Count(question.Distro == key.Distro, DistroScore, $"the distro is {key.Distro}");
        Count(question.Version == key.Version, VersionScore, $"its version is {key.Version}");
        Count(question.Arch == key.Arch, ArchScore, $"the arch is {key.Arch}");
        if (question.Distro is null)
            CountHint();
        Count(!isNewest, OlderBuildPenalty, "an older build of this release");
        return new LookupCandidate(KernelDocument.Of(record), score, reasons);

        void Count(bool holds, int weight, string reason)
        {
            if (!holds)
                return;
            score += weight;
            reasons.Add(reason);
        }

        void CountHint()
        {
            for (var i = 0; i < question.Hints.Count; i++)
            {
                var hint = question.Hints[i];
                if (hint.Distro != key.Distro || (hint.Version is not null && hint.Version != key.Version))
                    continue;
                Count(true, Math.Max(1, HintScore - i), $"{hint.Reason} points to {key.Distro}");
                return;
            }
        }
    }
}
