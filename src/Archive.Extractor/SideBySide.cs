using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Archive.Extractor;

/// <summary>Independent pieces of work at once.</summary>
internal static class SideBySide
{
    /// <summary>Runs both, on two threads where there may be so many. An exception is that of the first, else that of the second, as it was thrown.</summary>
    public static void Run(int threads, Action first, Action second)
    {
        if (threads < 2)
        {
            first();
            second();
            return;
        }
        var other = Task.Run(second);
        try
        {
            first();
        }
        finally
        {
            ((IAsyncResult)other).AsyncWaitHandle.WaitOne();
        }
        other.GetAwaiter().GetResult();
    }

    /// <summary>Works on items as they come; the next is asked for when a thread is free. An exception is one that was thrown, as it was.</summary>
    public static void ForEach<T>(IEnumerable<T> items, int threads, Action<T> work, CancellationToken cancellation)
    {
        try
        {
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation };
            Parallel.ForEach(Partitioner.Create(items, EnumerablePartitionerOptions.NoBuffering), parallel, work);
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
    }
}
