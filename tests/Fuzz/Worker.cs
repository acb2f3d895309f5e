using System.Diagnostics;
using Fuzz.Coverage;

namespace Fuzz;

/// <summary>
/// One thread of a campaign against one target. What it tries follows from the seed and its own finds alone, so that a run
/// can be repeated.
/// </summary>
internal sealed class Worker(FuzzTarget target, int index, int seed, Crashers crashers, IReadOnlyList<byte[]> seeds)
{
    private readonly Random _random = new(HashCode(target.Name, index, seed));
    private readonly Novelty _novelty = new();
    private long _executions;
    private long _accepted;
    private long _startedAt;

    public Corpus Corpus { get; } = new();

    public long Executions => Interlocked.Read(ref _executions);

    public long Accepted => Interlocked.Read(ref _accepted);

    public int Blocks => _novelty.Blocks;

    public int Signatures => _novelty.Signatures;

    /// <summary>How long the execution at hand has taken so far.</summary>
    public TimeSpan Busy => Interlocked.Read(ref _startedAt) is > 0 and var start ? Stopwatch.GetElapsedTime(start) : TimeSpan.Zero;

    public byte[] Current { get; private set; } = [];

    /// <param name="runs">At most so many executions.</param>
    public void Run(long runs, TimeSpan time)
    {
        using var inFlight = new InFlight(target.Name, index);
        foreach (var input in seeds)
        {
            if (Try(input, inFlight) || Corpus.Count == 0)
                Corpus.Add(input);
        }
        for (var clock = Stopwatch.StartNew(); Executions < runs && clock.Elapsed < time;)
        {
            var input = target.Mutate(Corpus.Choose(_random), Corpus.Choose(_random), _random);
            if (Try(input, inFlight))
                Corpus.Add(input);
        }
    }

    /// <summary>True where the input did something new, and did not fail.</summary>
    private bool Try(byte[] input, InFlight inFlight)
    {
        Current = input;
        inFlight.Set(input);
        var counts = BlockHits.Begin();
        Interlocked.Exchange(ref _startedAt, Stopwatch.GetTimestamp());
        var execution = Execution.Run(target, input);
        Interlocked.Exchange(ref _startedAt, 0);
        Interlocked.Increment(ref _executions);
        if (execution.Verdict == Verdict.Accepted)
            Interlocked.Increment(ref _accepted);
        if (execution.Verdict != Verdict.Failed)
            return _novelty.Add(counts, execution.Signature);
        crashers.Take(target, input, execution);
        return false;
    }

    // string.GetHashCode differs from process to process.
    private static int HashCode(string name, int index, int seed) => name.Aggregate(seed * 31 + index, (hash, c) => hash * 31 + c);
}
