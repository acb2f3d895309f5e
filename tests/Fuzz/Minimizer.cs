using System.Diagnostics;

namespace Fuzz;

/// <summary>Makes a failing input small: takes out ever shorter pieces, then zeroes bytes, as long as it fails the same way.</summary>
internal static class Minimizer
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(20);

    public static byte[] Shrink(FuzzTarget target, byte[] input, string signature)
    {
        var clock = Stopwatch.StartNew();
        bool FailsAlike(byte[] candidate) => Execution.Run(target, candidate) is { Verdict: Verdict.Failed } execution && execution.Signature == signature;

        for (var piece = input.Length / 2; piece > 0 && clock.Elapsed < Budget; piece /= 2)
        {
            for (var at = 0; at + piece <= input.Length && clock.Elapsed < Budget;)
            {
                byte[] candidate = [.. input.AsSpan(0, at), .. input.AsSpan(at + piece)];
                if (FailsAlike(candidate))
                    input = candidate;
                else
                    at += piece;
            }
        }
        for (var at = 0; at < input.Length && clock.Elapsed < Budget; at++)
        {
            var candidate = (byte[])input.Clone();
            candidate[at] = 0;
            if (input[at] != 0 && FailsAlike(candidate))
                input = candidate;
        }
        return input;
    }
}
