namespace TestKit;

public static class ParallelLoop
{
    /// <summary>
    /// As many items at once as there are processors. Without a bound, a loop whose items wait for programs takes each thread that the pool gets, and what the tests
    /// beside it wait for stands still.
    /// </summary>
    public static ParallelOptions Bounded { get; } = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };
}
