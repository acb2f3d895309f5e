using System.Diagnostics;
using System.Text;
using Btf;

namespace Fuzz;

internal enum Verdict
{
    /// <summary>The input was read to its end.</summary>
    Accepted,

    /// <summary>It was refused by one of the target's declared exceptions.</summary>
    Refused,

    /// <summary>Another exception, a broken promise of the target, too much time or too much memory.</summary>
    Failed,
}

/// <summary>What became of one input.</summary>
/// <param name="Signature">The outcome without its numbers: the same for inputs that meet the same problem.</param>
/// <param name="Problem">What failed, for people; null unless <see cref="Verdict.Failed"/>.</param>
internal sealed record Execution(Verdict Verdict, string Signature, string? Problem)
{
    /// <summary>No input below 1 MiB may take longer; the worst known takes half of it. Of processor time on its thread: the machine may be busy with something else.</summary>
    public static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Bytes that one execution may allocate on its thread, garbage included: 32 MiB, and 512 for each byte of input. The
    /// smallest DIE has one byte, and a type that was made of it some hundreds.
    /// </summary>
    public static long AllocationLimit(int inputBytes) => (32L << 20) + 512L * inputBytes;

    private static readonly Execution Accepted = new(Verdict.Accepted, "accepted", null);

    public static Execution Run(FuzzTarget target, byte[] input)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var start = ThreadTime.Now();
        var outcome = Try(target, input);
        var elapsed = ThreadTime.Now() - start;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (outcome.Verdict == Verdict.Failed)
            return outcome;
        if (allocated > AllocationLimit(input.Length))
            return new(Verdict.Failed, "memory", $"{allocated} bytes allocated for an input of {input.Length}");
        return elapsed > TimeLimit && IsSlowAgain(target, input) ? new(Verdict.Failed, "time", $"{elapsed.TotalSeconds:f1} s for an input of {input.Length}") : outcome;
    }

    private static Execution Try(FuzzTarget target, byte[] input)
    {
        try
        {
            target.Execute(input);
            return Accepted;
        }
        catch (Exception problem) when (target.Declares(problem))
        {
            // The section's name is often one that the input gives.
            var message = problem is MalformedInputException malformed ? problem.Message.AsSpan(malformed.Section.Length) : problem.Message;
            return new(Verdict.Refused, $"{problem.GetType().Name} {WithoutNumbers(message)}", null);
        }
        catch (Exception problem)
        {
            return new(Verdict.Failed, $"{problem.GetType().Name} {PlaceOf(problem)}", problem.ToString());
        }
    }

    /// <summary>The first time the compiler was at work, or the collector.</summary>
    private static bool IsSlowAgain(FuzzTarget target, byte[] input)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var start = ThreadTime.Now();
            Try(target, input);
            if (ThreadTime.Now() - start <= TimeLimit)
                return false;
        }
        return true;
    }

    /// <summary>The innermost method of ours in the stack.</summary>
    private static string PlaceOf(Exception problem)
    {
        foreach (var frame in new StackTrace(problem).GetFrames())
        {
            if (frame.GetMethod() is { DeclaringType: { } type } method && type.Assembly.GetName().Name is "Btf" or "Archive.Extractor" or "Archive.Crawler" or "Fuzz")
                return $"{type.Name}.{method.Name}";
        }
        return "?";
    }

    private static string WithoutNumbers(ReadOnlySpan<char> message)
    {
        var text = new StringBuilder(Math.Min(message.Length, 120));
        var inNumber = false;
        foreach (var c in message)
        {
            // What stands in quotes, and any letters past ASCII, comes from the input.
            if (c == '\'' || text.Length == 120)
                break;
            inNumber = char.IsAsciiDigit(c) || (inNumber && (char.IsAsciiHexDigit(c) || c == 'x'));
            if (!inNumber && char.IsAscii(c))
                text.Append(c);
        }
        return text.ToString();
    }
}
