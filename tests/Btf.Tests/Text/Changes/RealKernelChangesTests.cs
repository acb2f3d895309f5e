using Btf.Text.Changes;

namespace Btf.Tests.Text.Changes;

/// <summary>6.1 and 6.12, by facts of their sources.</summary>
[Trait("Category", "Real")]
public sealed class RealKernelChangesTests
{
    private static readonly Lazy<KernelChanges> Changes = new(() =>
        KernelComparison.Compare(CDumpKernelTests.Open("bookworm"), CDumpKernelTests.Open("trixie"), "6.1", "6.12"));

    /// <summary>f1a7941243c1 (6.2) made the counters per CPU, and 8e1f385104ac (6.7) dropped the list of threads.</summary>
    [Fact]
    public void MembersThatWentAreTold()
    {
        Assert.Contains(Change("struct mm_struct").Details, detail => detail is { Reason: ChangeReason.MemberTypeChanged or ChangeReason.MemberRemoved, Subject: "rss_stat" });
        Assert.Contains(Change("struct task_struct").Details, detail => detail is { Reason: ChangeReason.MemberRemoved, Subject: "thread_group" });
    }

    /// <summary>53e6b10a2e3f (6.11) gave the tracepoint kfree_skb a socket.</summary>
    [Fact]
    public void TracepointThatGotAnArgumentIsTold() =>
        Assert.EndsWith("struct sock *)", Assert.Single(Change("typedef btf_trace_kfree_skb").Details).New, StringComparison.Ordinal);

    [Fact]
    public void EveryChangeSaysWhatAndEveryCauseIsThere()
    {
        var all = Changes.Value.All.ToList();
        Assert.All(all.Where(change => change.Change is ChangeClass.Changed or ChangeClass.Moved), change => Assert.NotEmpty(change.Details));
        var moved = all.Where(change => change.Change == ChangeClass.Moved).ToList();
        Assert.NotEmpty(moved);
        Assert.All(moved, change => Assert.All(change.MovedBy!, cause => Assert.Contains(change.Tag, Change(cause).Moves!)));
    }

    private static NamedChange Change(string tag) => Changes.Value.All.First(change => change.Tag == tag);
}
