using System.Diagnostics;
using System.Globalization;
using Btf.CoRe;
using Btf.Format;

namespace Benchmarks;

/// <summary>Minimal BTF of one object in this process, after the compiler has settled, in turn with a process of bpftool.</summary>
internal static class WarmMinimize
{
    private const int Calls = 50;
    private const int WarmUpCalls = 400;

    /// <returns>A table in Markdown: with the kernel's BTF in memory as bytes, and as a target that is used again and again.</returns>
    public static string Measure(string kernel, string item, string bpftool, string scratch, int rounds)
    {
        var (btf, elf) = (File.ReadAllBytes(kernel), File.ReadAllBytes(item));
        var target = new CoreTarget(BtfBlob.Parse(btf));
        Action fromBytes = () => MinimalBtf.Make(new CoreTarget(BtfBlob.Parse(btf)), [BpfObject.Parse(elf)]);
        Action fromTarget = () => MinimalBtf.Make(target, [BpfObject.Parse(elf)]);
        Repeat(WarmUpCalls, fromBytes);
        Repeat(WarmUpCalls, fromTarget);
        var times = Enumerable.Range(0, rounds).Select(_ => (
            Bytes: Repeat(Calls, fromBytes),
            Target: Repeat(Calls, fromTarget),
            Peer: ChildProcess.Run([bpftool, "gen", "min_core_btf", kernel, Path.Combine(scratch, "one.btf"), item]).WallSeconds)).ToList();
        return string.Create(CultureInfo.InvariantCulture, $"""

            minimal BTF of {Path.GetFileName(item)} in process; {rounds} rounds, medians

            | | ms | ÷ bpftool's process |
            |---|---|---|
            | ours, kernel as bytes | {1000 * Report.Median(times.Select(t => t.Bytes)):f3} | {Report.Median(times.Select(t => t.Bytes / t.Peer)):f4} |
            | ours, kernel kept open | {1000 * Report.Median(times.Select(t => t.Target)):f3} | {Report.Median(times.Select(t => t.Target / t.Peer)):f4} |
            | bpftool | {1000 * Report.Median(times.Select(t => t.Peer)):f3} | |

            """);
    }

    /// <returns>Seconds of the median call.</returns>
    private static double Repeat(int calls, Action action) => Report.Median(Enumerable.Range(0, calls).Select(_ =>
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }).ToList());
}
