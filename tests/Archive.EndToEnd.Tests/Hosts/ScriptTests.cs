using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The shell scripts of the repository.</summary>
[Trait("Category", "Real")]
public sealed class ScriptTests
{
    [Fact]
    public void ShellcheckHasNothingToSay()
    {
        var scripts = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "infra", "host"), "*", SearchOption.AllDirectories)
            .Where(path => File.ReadLines(path).FirstOrDefault("").StartsWith("#!/bin/sh", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(scripts);
        var result = Tool.Try("shellcheck", ["--shell=sh", .. scripts]);
        Assert.True(result.Status == 0, result.Output);
    }

    /// <summary>Exponential with full jitter: from 0 to BASE * 2^n, up to the cap.</summary>
    [Fact]
    public void DelaysFillTheirRangesAndStayInThem()
    {
        var draws = Enumerable.Range(0, 40).Select(_ => Delays()).ToList();
        for (var n = 0; n < 10; n++)
        {
            var (limit, drawn) = (Math.Min(300, 2 << n), draws.Select(delays => delays[n]).ToList());
            Assert.All(drawn, delay => Assert.InRange(delay, 0, limit));
            // Of 40 uniform draws none is in the upper fifth once in 7,500 runs.
            Assert.True(drawn.Max() >= limit * 4 / 5 && drawn.Min() <= limit / 5, $"{n}: {string.Join(' ', drawn)}");
        }
    }

    private static int[] Delays() =>
        [.. Tool.Run("dash", BtfFetch.Script, "--delays", "10").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}
