namespace Archive.Extractor;

/// <summary>Two independent pieces of work at once.</summary>
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
}
