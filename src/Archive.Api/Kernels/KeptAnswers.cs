using System.Collections.Concurrent;
using Archive.Store.Catalogue;

namespace Archive.Api.Kernels;

/// <summary>
/// Answers to questions that were asked before: the hosts of a fleet boot few kernels, and ask at the same time. An answer is given again only while
/// the catalogue is what it was. A question is remembered by its hash alone until it is asked again: who asks for every kernel there is fills no memory
/// with answers that nobody wants twice.
/// </summary>
/// <typeparam name="T">An answer that takes little memory: there are up to 16,000.</typeparam>
public sealed class KeptAnswers<T>(ICatalogue catalogue)
    where T : class
{
    /// <summary>There are two generations of answers.</summary>
    private const int MaxOfGeneration = 8192, MaxQuestionLength = 512;

    /// <summary>Each hash has one place, which the next one with that place takes. Whoever loses it is kept a question later.</summary>
    private readonly int[] _asked = new int[1 << 16];

    private ConcurrentDictionary<string, Kept> _young = new(StringComparer.Ordinal), _old = new(StringComparer.Ordinal);
    private int _added;

    private readonly record struct Kept(long Version, T Answer);

    /// <returns>The answer, where it is kept, and the version of the catalogue that another one is to be kept for: asked for first, since a change in between may count already.</returns>
    public async ValueTask<(T? Answer, long? Version)> FindAsync(string question, CancellationToken cancellation)
    {
        if (await catalogue.VersionAsync(cancellation) is not { } version)
            return (null, null);
        if (_young.TryGetValue(question, out var kept) && kept.Version == version)
            return (kept.Answer, version);
        if (!_old.TryGetValue(question, out kept) || kept.Version != version)
            return (null, version);
        Add(question, kept);
        return (kept.Answer, version);
    }

    /// <summary>Keeps the answer if the question was asked before.</summary>
    /// <param name="version">As <see cref="FindAsync"/> told it.</param>
    public void Keep(string question, long? version, T answer)
    {
        if (version is { } known && question.Length <= MaxQuestionLength && WasAsked(question))
            Add(question, new Kept(known, answer));
    }

    private bool WasAsked(string question)
    {
        var hash = question.GetHashCode(StringComparison.Ordinal);
        ref var last = ref _asked[hash & (_asked.Length - 1)];
        if (last == hash)
            return true;
        last = hash;
        return false;
    }

    private void Add(string question, Kept kept)
    {
        var young = _young;
        young[question] = kept;
        if (Interlocked.Increment(ref _added) % MaxOfGeneration == 0)
            (_old, _young) = (young, new(StringComparer.Ordinal));
    }
}
