using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>What a request that wants one kernel comes to: a record that is served, or why there is none.</summary>
/// <param name="Question">What was asked for, in canonical names.</param>
/// <param name="Builds">Every build that can be meant, published or not, newest first.</param>
/// <param name="Candidates">Where they differ in content and nothing decides; none otherwise.</param>
public sealed record Resolution(
    LookupQuestion Question, KernelRecord? Record, IReadOnlyList<KernelRecord> Builds, IReadOnlyList<LookupCandidate> Candidates);

/// <summary>Finds the one kernel that a path or a build-id means. It never chooses between contents by itself.</summary>
public sealed class KernelResolver(KernelIndex index, KernelLookup lookup)
{
    /// <summary>The newest published build at this place; null where there is no such place.</summary>
    public async Task<Resolution?> FindAsync(KernelKey? key, CancellationToken cancellation)
    {
        if (key is null)
            return null;
        var builds = await index.BuildsAsync(key, cancellation);
        return new Resolution(LookupQuestion.Of(key), builds.FirstOrDefault(KernelIndex.IsServed), builds, []);
    }

    /// <summary>The kernel of this distro, whatever its version; null where a name is missing.</summary>
    public async Task<Resolution?> FindAsync(string? distro, string? arch, string? uname, CancellationToken cancellation) =>
        (distro, arch, uname) is ({ }, { }, { })
            ? await FindAsync(new LookupQuestion(uname, arch, distro, null, null, []), cancellation)
            : null;

    public async Task<Resolution> FindAsync(LookupQuestion question, CancellationToken cancellation)
    {
        var (answer, builds) = await lookup.FindAsync(question, cancellation);
        return answer.Ambiguous || answer.Candidates.Count == 0
            ? new Resolution(question, null, builds, answer.Candidates)
            : new Resolution(question, builds.First(b => b.Sequence == answer.Candidates[0].Kernel.Sequence), builds, []);
    }

    /// <summary>The problem document of a resolution without a record.</summary>
    public async Task<IResult> ExplainAsync(HttpContext context, Resolution resolution) => resolution.Candidates.Count > 0
        ? Miss.Ambiguous(context, resolution)
        : Miss.Of(context, resolution, await index.SurroundingsAsync(resolution, context.RequestAborted));
}
