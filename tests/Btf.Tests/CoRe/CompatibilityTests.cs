using Btf.CoRe;
using Btf.CoRe.Compatibility;
using TestKit;

namespace Btf.Tests.CoRe;

/// <summary>What becomes of programs on kernels that have less than they ask for.</summary>
[Trait("Category", "Real")]
public sealed class CompatibilityTests : IDisposable
{
    private const string OldAndNew = """
        struct task { long state; int pid; } CORE;
        struct task___new { long __state; } CORE;

        """;

    private readonly BpfCompiler _compiler = new();

    public void Dispose() => _compiler.Dispose();

    [Fact]
    public void MissingMemberOnTheWayIsAnErrorWithLineAndWhatIsThereInstead()
    {
        var item = _compiler.Object(OldAndNew + """
            SEC("raw_tp/x") long program(struct task *task) { long value = 0; probe_read(&value, 8, &task->state); return value; }
            """);

        var result = new CompatibilityCheck(item).Check(_compiler.Kernel("struct task { int pid; long __state; } task; typedef void (*btf_trace_x)(void *); btf_trace_x x;"));

        var finding = Assert.Single(result.Findings);
        Assert.Equal(Verdict.Error, result.Verdict);
        Assert.Equal(("no-such-member", "byte_off", "struct task.state", "program"), (finding.Code, finding.Kind, finding.Access, finding.Program));
        Assert.Equal("struct task has no member state, but __state", finding.Explanation);
        Assert.Contains("&task->state", finding.SourceText, StringComparison.Ordinal);
        Assert.Matches(@"\.c:\d+$", finding.Source);
    }

    [Theory]
    [InlineData("struct task { int pid; long __state; } task;", Verdict.Guarded)]
    [InlineData("struct task { int pid; long state; } task;", Verdict.Guarded)]
    [InlineData("struct task { int pid; } task;", Verdict.Guarded)]
    [InlineData("struct other { int pid; } task;", Verdict.Error)]
    public void FieldBehindAQuestionDoesNoHarm(string kernel, Verdict expected)
    {
        var item = _compiler.Object(OldAndNew + """
            SEC("tc") long program(struct task *task)
            {
                struct task___new *other = (void *)task;
                long value = task->pid;
                if (FIELD_EXISTS(other->__state)) probe_read(&value, 8, &other->__state);
                else if (FIELD_EXISTS(task->state)) probe_read(&value, 8, &task->state);
                return value;
            }
            """);

        Assert.Equal(expected, new CompatibilityCheck(item).Check(_compiler.Kernel(kernel)).Verdict);
    }

    [Theory]
    [InlineData("5.14.0", Verdict.Guarded)]
    [InlineData("5.13.9", Verdict.Error)]
    [InlineData("unknown", Verdict.Error)]
    public void KernelVersionDecidesWhereItIsKnown(string uname, Verdict expected)
    {
        var item = _compiler.Object(OldAndNew + """
            SEC("tc") long program(struct task *task)
            {
                long value = 0;
                if (LINUX_KERNEL_VERSION < 0x050e00) probe_read(&value, 8, &task->state);
                return value;
            }
            """);

        Assert.Equal(expected, new CompatibilityCheck(item).Check(_compiler.Kernel("struct task { int pid; } task;"), KernelVersion.Of(uname)).Verdict);
    }

    [Theory]
    [InlineData("static", Verdict.Guarded)]
    [InlineData("", Verdict.Error)]
    public void StaticFunctionKnowsWhatItIsCalledWith(string linkage, Verdict expected)
    {
        var item = _compiler.Object(OldAndNew + $$"""
            __attribute__((noinline)) {{linkage}} long read_state(struct task *task, int has)
            {
                long value = 0;
                if (has) probe_read(&value, 8, &task->state);
                return value;
            }
            SEC("tc") long program(struct task *task) { return read_state(task, FIELD_EXISTS(task->state)); }
            """);

        Assert.Equal(expected, new CompatibilityCheck(item).Check(_compiler.Kernel("struct task { int pid; } task;")).Verdict);
    }

    [Fact]
    public void FunctionNobodyCallsIsNotReached()
    {
        var item = _compiler.Object(OldAndNew + """
            __attribute__((noinline)) long unused(struct task *task) { long value = 0; probe_read(&value, 8, &task->state); return value; }
            SEC("tc") long program(struct task *task) { return task->pid; }
            """);

        Assert.Equal(Verdict.Guarded, new CompatibilityCheck(item).Check(_compiler.Kernel("struct task { int pid; } task;")).Verdict);
    }

    [Theory]
    [InlineData("unsigned", "unsigned long", Verdict.Ok)]
    [InlineData("unsigned", "unsigned short", Verdict.Ok)]
    [InlineData("int", "long", Verdict.Error)]
    [InlineData("int", "int", Verdict.Ok)]
    public void LoadOfAnotherWidthIsOnlyForUnsignedIntegers(string local, string target, Verdict expected)
    {
        var item = _compiler.Object($$"""
            struct sized { {{local}} value; } CORE;
            SEC("tc") long program(struct sized *sized) { return sized->value; }
            """);

        Assert.Equal(expected, new CompatibilityCheck(item).Check(_compiler.Kernel($"struct sized {{ {target} value; }} sized;")).Verdict);
    }

    [Fact]
    public void LoadersDifferWhereCandidatesDisagree()
    {
        var item = _compiler.Object("""
            struct twice { int a; int b; } CORE;
            SEC("tc") long program(struct twice *twice) { long value = 0; probe_read(&value, 4, &twice->a); probe_read(&value, 4, &twice->b); return value; }
            """);
        // The second flavour has a at another offset, and no b.
        var kernel = _compiler.Kernel("struct twice { int a; int b; } first; struct twice___2 { long x; int a; } second;");

        Assert.Equal("ambiguous-offset", new CompatibilityCheck(item).Check(kernel).Findings[0].Code);
        Assert.Equal(Verdict.Ok, new CompatibilityCheck(item, CoreLoader.Cilium).Check(kernel).Verdict);
    }

    [Fact]
    public void SizeOfAMissingTypeIsZeroForOneLoaderAndPoisonForTheOther()
    {
        var item = _compiler.Object("""
            struct missing { int a; } CORE;
            SEC("tc") long program(void *context) { return TYPE_SIZE(struct missing); }
            """);
        var kernel = _compiler.Kernel("int nothing;");

        Assert.Equal(Verdict.Guarded, new CompatibilityCheck(item).Check(kernel).Verdict);
        Assert.Equal(Verdict.Error, new CompatibilityCheck(item, CoreLoader.Cilium).Check(kernel).Verdict);
    }

    [Fact]
    public void ProgramsNeedWhatTheyAttachTo()
    {
        var item = _compiler.Object("""
            extern int known_kfunc(void *) SEC(".ksyms");
            extern int gone_kfunc(void *) SEC(".ksyms");
            extern int weak_kfunc(void *) SEC(".ksyms") __attribute__((weak));
            #define P(section, name) SEC(section) int name(void *context) { return 0; }
            P("kprobe/schedule+4", a) P("kprobe/vanished", b) P("fentry/schedule", c) P("fexit/vanished", d)
            P("tp_btf/sched_switch", e) P("tracepoint/sched/sched_gone", f) P("lsm/file_open", g) P("lsm/file_gone", h)
            P("kprobe/pattern*", i) P("?kprobe/optional", j) P("ksyscall/openat", k) P("iter/task", l) P("uprobe//bin/x:y", m)
            SEC("tc") int calls(void *context) { return known_kfunc(context) + gone_kfunc(context) + (weak_kfunc ? weak_kfunc(context) : 0); }
            """);
        var kernel = _compiler.Kernel("""
            #define F(name) int name(void *p) { return 0; }
            F(schedule) F(bpf_lsm_file_open) F(known_kfunc) F(bpf_iter_task)
            typedef void (*btf_trace_sched_switch)(void *); btf_trace_sched_switch t;
            """);

        var findings = new CompatibilityCheck(item).Check(kernel).Findings;

        Assert.Equal(["file_gone", "gone_kfunc", "sched_gone", "vanished", "vanished"], findings.Where(finding => finding.Verdict == Verdict.Error).Select(finding => finding.Access).Order(StringComparer.Ordinal));
        Assert.Equal(["optional", "weak_kfunc"], findings.Where(finding => finding.Verdict == Verdict.Guarded).Select(finding => finding.Access).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void FindingsBeyondWhatIsKeptStillCount()
    {
        var members = string.Concat(Enumerable.Range(0, 400).Select(i => $"long m{i}; "));
        var reads = string.Concat(Enumerable.Range(0, 400).Select(i => $"probe_read(&value, 8, &task->m{i}); "));
        // The guarded ones come first, and fill what is kept.
        var item = _compiler.Object($$"""
            struct task { int pid; {{members}} } CORE;
            struct gone { int a; } CORE;
            SEC("tc") long program(struct task *task)
            {
                long value = task->pid;
                if (FIELD_EXISTS(task->m0)) { {{reads}} }
                return value;
            }
            SEC("xdp") long other(struct gone *gone) { return gone->a; }
            """);

        var result = new CompatibilityCheck(item).Check(_compiler.Kernel("struct task { int pid; } task;"));

        Assert.Equal((Verdict.Error, CompatibilityCheck.MaxFindings, 401), (result.Verdict, result.Findings.Count, result.Findings.Count + result.Omitted));
        Assert.All(result.Findings, finding => Assert.Equal(Verdict.Guarded, finding.Verdict));
    }

    [Fact]
    public void ReportKeepsABoundedNumberOfFindings()
    {
        var report = new CompatibilityReport("program.o", CoreLoader.Libbpf);
        for (var kernel = 0; kernel < 100; kernel++)
        {
            var findings = Enumerable.Range(0, 200).Select(i => new Finding(Verdict.Error, "no-such-member", "p", "s", i, "", "", "byte_off", $"struct s.m{i}", $"on {kernel}")).ToList();
            report.Add(new ReportKernel($"{kernel}", "b", null), new CompatibilityResult(Verdict.Error, findings));
        }

        Assert.Equal(CompatibilityReport.MaxFindings, report.Classes.Sum(result => result.Findings.Count));
        Assert.Equal(100, report.Count(Verdict.Error));
        Assert.Equal((0, 200), (report.Classes[report.Rows[^1].Class].Findings.Count, report.Classes[report.Rows[^1].Class].Omitted));
    }

    [Fact]
    public void BranchTellsFirstAndLastGoodKernelAndWhereItChanges()
    {
        var item = _compiler.Object(OldAndNew + """
            SEC("tc") long program(struct task *task) { long value = 0; probe_read(&value, 8, &task->state); return value; }
            """);
        var check = new CompatibilityCheck(item);
        var (good, bad) = (_compiler.Kernel("struct task { long state; } task;"), _compiler.Kernel("struct task { long __state; } task;"));
        var report = new CompatibilityReport("program.o", CoreLoader.Libbpf);

        foreach (var (name, kernel) in new[] { ("5.12", good), ("5.13", good), ("5.14", bad), ("5.15", bad) })
            report.Add(new ReportKernel(name, "debian", null), check.Check(kernel));

        var branch = Assert.Single(report.Branches());
        Assert.Equal(("5.12", "5.13", 2), (branch.FirstGood, branch.LastGood, branch.GoodCount));
        Assert.Equal(["5.12", "5.14"], branch.Changes.Select(change => change.Kernel.Name));
        Assert.Equal(2, report.Classes.Count);
    }
}
