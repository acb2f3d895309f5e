using System.Collections.Concurrent;
using System.Threading.Channels;
using Archive.Api.Objects;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf.Text.Changes;

namespace Archive.Api.Kernels;

/// <summary>How much two kernels differ.</summary>
/// <param name="Changed">Types that changed for a reason of their own; those that only moved with them are not counted.</param>
public sealed record Difference(int Added, int Removed, int Changed, int FunctionsAdded, int FunctionsRemoved, int FunctionsChanged)
{
    public static Difference None { get; } = new(0, 0, 0, 0, 0, 0);

    internal static Difference Of(KernelChanges changes) => new(
        Count(changes.Types, ChangeClass.Added), Count(changes.Types, ChangeClass.Removed), Count(changes.Types, ChangeClass.Changed),
        Count(changes.Functions, ChangeClass.Added), Count(changes.Functions, ChangeClass.Removed), Count(changes.Functions, ChangeClass.Changed));

    private static int Count(IReadOnlyList<NamedChange> changes, ChangeClass change) => changes.Count(c => c.Change == change);
}

/// <summary>
/// Compares kernels in the background, since it takes up to a second: one pair at a time, for as many as wait. How much a pair differs is kept in a
/// few words; all that changed, of some megabytes, only for the pairs that were asked for last.
/// </summary>
public sealed class KernelDifferences(WarmKernels kernels, ILogger<KernelDifferences> log) : BackgroundService
{
    private const int MaxWaiting = 32, MaxKept = 20_000, MaxWhole = 12;

    private readonly ConcurrentDictionary<(string Older, string Newer), Difference> _known = new();
    private readonly ConcurrentDictionary<(string Older, string Newer), KernelChanges> _whole = new();
    private readonly ConcurrentQueue<(string Older, string Newer)> _order = new();
    private readonly ConcurrentDictionary<(string Older, string Newer), bool> _asked = new();
    private readonly Channel<(Publication Older, Publication Newer)> _waiting = Channel.CreateBounded<(Publication, Publication)>(MaxWaiting);

    /// <summary>How much the pair differs. Null where it is not known yet; then <paramref name="isWaiting"/> tells whether it will be.</summary>
    public Difference? Find(Publication older, Publication newer, out bool isWaiting)
    {
        isWaiting = false;
        if (older.Raw.Sha256 == newer.Raw.Sha256)
            return Difference.None;
        if (_known.TryGetValue(Pair(older, newer), out var difference))
            return difference;
        isWaiting = Ask(older, newer);
        return null;
    }

    /// <summary>All that changed. Null where it is not at hand; then <paramref name="isWaiting"/> tells whether it will be.</summary>
    public KernelChanges? FindAll(Publication older, Publication newer, out bool isWaiting)
    {
        isWaiting = false;
        if (_whole.TryGetValue(Pair(older, newer), out var changes))
            return changes;
        isWaiting = Ask(older, newer);
        return null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (older, newer) in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                Keep(Pair(older, newer), await CompareAsync(older, newer, stoppingToken));
            }
            catch (Exception e) when (e is Btf.MalformedInputException or BlobStoreException)
            {
                log.LogWarning("Kernels {Older} and {Newer} cannot be compared: {Reason}", older.Raw.Sha256, newer.Raw.Sha256, e.Message);
            }
            _asked.TryRemove(Pair(older, newer), out _);
        }
    }

    private static (string, string) Pair(Publication older, Publication newer) => (older.Raw.Sha256, newer.Raw.Sha256);

    /// <returns>Whether the pair waits for its turn; where too many do, it has to be asked for again.</returns>
    private bool Ask(Publication older, Publication newer)
    {
        if (!_asked.TryAdd(Pair(older, newer), true))
            return true;
        if (_waiting.Writer.TryWrite((older, newer)))
            return true;
        _asked.TryRemove(Pair(older, newer), out _);
        return false;
    }

    private void Keep((string, string) pair, KernelChanges changes)
    {
        if (_known.Count >= MaxKept)
            _known.Clear();
        _known[pair] = Difference.Of(changes);
        if (_whole.TryAdd(pair, changes))
            _order.Enqueue(pair);
        while (_order.Count > MaxWhole && _order.TryDequeue(out var oldest))
            _whole.TryRemove(oldest, out _);
    }

    private async Task<KernelChanges> CompareAsync(Publication older, Publication newer, CancellationToken cancellation)
    {
        using var left = await kernels.OpenAsync(older, cancellation);
        using var right = await kernels.OpenAsync(newer, cancellation);
        return await Task.Run(() => KernelComparison.Compare(left.Blob, right.Blob, "", ""), cancellation);
    }
}
