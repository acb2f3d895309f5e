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
/// Compares kernels in the background, since it takes up to a second: one pair at a time, for as many as wait. What was found is kept,
/// a few words for a pair.
/// </summary>
public sealed class KernelDifferences(WarmKernels kernels, ILogger<KernelDifferences> log) : BackgroundService
{
    private const int MaxWaiting = 32, MaxKept = 20_000;

    private readonly ConcurrentDictionary<(string Older, string Newer), Difference?> _known = new();
    private readonly Channel<(Publication Older, Publication Newer)> _waiting = Channel.CreateBounded<(Publication, Publication)>(MaxWaiting);

    /// <summary>What is known of the pair. Null where it is not known yet; then <paramref name="isWaiting"/> tells whether it will be.</summary>
    public Difference? Find(Publication older, Publication newer, out bool isWaiting)
    {
        isWaiting = false;
        var pair = (older.Raw.Sha256, newer.Raw.Sha256);
        if (older.Raw.Sha256 == newer.Raw.Sha256)
            return Difference.None;
        if (_known.TryGetValue(pair, out var difference))
        {
            isWaiting = difference is null;
            return difference;
        }
        if (_known.Count < MaxKept && _known.TryAdd(pair, null))
            isWaiting = _waiting.Writer.TryWrite((older, newer)) || !_known.TryRemove(pair, out _);
        return null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (older, newer) in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            var pair = (older.Raw.Sha256, newer.Raw.Sha256);
            try
            {
                _known[pair] = await CompareAsync(older, newer, stoppingToken);
            }
            catch (Exception e) when (e is Btf.MalformedInputException or BlobStoreException)
            {
                log.LogWarning("Kernels {Older} and {Newer} cannot be compared: {Reason}", pair.Item1, pair.Item2, e.Message);
                _known.TryRemove(pair, out _);
            }
        }
    }

    private async Task<Difference> CompareAsync(Publication older, Publication newer, CancellationToken cancellation)
    {
        using var left = await kernels.OpenAsync(older, cancellation);
        using var right = await kernels.OpenAsync(newer, cancellation);
        return await Task.Run(() => Difference.Of(KernelComparison.Compare(left.Blob, right.Blob, "", "")), cancellation);
    }
}
