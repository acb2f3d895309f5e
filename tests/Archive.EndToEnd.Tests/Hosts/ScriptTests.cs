using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The shell scripts of the repository.</summary>
[Trait("Category", "Real")]
public sealed class ScriptTests
{
    /// <summary>Each by the shell of its first line; OpenRC's is the system's sh.</summary>
    [Fact]
    public void ShellcheckHasNothingToSay()
    {
        string[] places = ["infra", "docs/build-integration", "tests/Archive.EndToEnd.Tests/Hosts"];
        var files = places.SelectMany(place => Directory.EnumerateFiles(Path.Combine(Checkout.Root, place), "*", SearchOption.AllDirectories));
        var shells = files.Append(Path.Combine(Checkout.Root, "tests/run")).ToLookup(ShellOf);
        Assert.True(shells["sh"].Count() >= 13 && shells["bash"].Count() >= 4, string.Join('\n', shells.SelectMany(shell => shell)));
        foreach (var shell in shells.Where(shell => shell.Key.Length > 0))
        {
            var result = Tool.Try("shellcheck", [$"--shell={shell.Key}", .. shell]);
            Assert.True(result.Status == 0, result.Output);
        }
    }

    private static string ShellOf(string path) => File.ReadLines(path).FirstOrDefault("") switch
    {
        "#!/bin/sh" or "#!/sbin/openrc-run" => "sh",
        "#!/usr/bin/env bash" or "#!/bin/bash" => "bash",
        _ => "",
    };

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
