namespace Btf.CoRe.Compatibility;

/// <summary>
/// Asks of one object, kernel by kernel, whether it will load and attach. The object is read once; a kernel on which all resolves
/// costs the resolution and no more. Safe for concurrent use.
/// </summary>
public sealed class CompatibilityCheck
{
    /// <summary>Findings that are explained. Real objects have some dozens; an upload may hold half a million relocations.</summary>
    public const int MaxFindings = 200;

    private readonly BpfObject _object;
    private readonly CoreLoader _loader;
    private readonly List<Need> _needs;
    private readonly Dictionary<int, BpfInstruction[]> _code;
    private readonly List<Site> _sites;

    /// <exception cref="BtfFormatException">The object's BTF is broken.</exception>
    public CompatibilityCheck(BpfObject item, CoreLoader loader = CoreLoader.Libbpf)
    {
        _object = item;
        _loader = loader;
        _needs = Needs.Of(item);
        _code = item.Code.ToDictionary(code => code.Index, code => Enumerable.Range(0, code.Count).Select(i => code[i]).ToArray());
        _sites = [.. SitesOf(item)];
    }

    /// <summary>What the object needs besides types, whether a kernel has it or not.</summary>
    public IReadOnlyList<Need> NeedsOfObject => _needs;

    /// <param name="target">The kernel, with its modules where they are at hand.</param>
    /// <param name="kernelVersion">As <c>KERNEL_VERSION(a,b,c)</c> makes it, for programs that ask for <c>LINUX_KERNEL_VERSION</c>; null if not known.</param>
    /// <param name="functions">What else is known of its functions.</param>
    /// <exception cref="BtfFormatException">The kernel's BTF is broken.</exception>
    public CompatibilityResult Check(CoreTarget target, ulong? kernelVersion = null, IKernelFunctions? functions = null)
    {
        var found = new Findings();
        CheckRelocations(target, kernelVersion, found);
        var check = new NeedCheck(target, functions);
        foreach (var need in _needs)
        {
            var (answer, explanation) = check.Answer(need);
            if (answer == NeedAnswer.Missing)
                found.Add(need.IsOptional ? Verdict.Guarded : Verdict.Error, () => Of(need, explanation));
        }
        return found.ToResult();
    }

    private void CheckRelocations(CoreTarget target, ulong? kernelVersion, Findings found)
    {
        var resolver = CoreResolution.Create(_loader, _object, target);
        List<Failed>? failed = null;
        var patched = _code;
        foreach (var site in _sites)
        {
            var outcome = resolver.Resolve(site.Relocation, out var local, out var there);
            var failure = Patch(site, outcome, ref patched);
            // A question whether something exists is answered, not failed.
            if (failure == CoreFailure.None || (failure.IsAbsence() && !outcome.IsPoison && site.Relocation.Kind.IsExistence()))
                continue;
            failed ??= [];
            var text = failed.Count < MaxFindings ? (CoreText.Of(local), CoreExplanation.Of(failure, local, there)) : default;
            failed.Add(new(site, failure, CorePatch.IsPoisoned(outcome, failure), text));
        }
        if (failed is null)
            return;
        var reach = new Reachability(_object, patched, symbol => symbol == "LINUX_KERNEL_VERSION" ? kernelVersion : null);
        foreach (var item in failed)
        {
            var verdict = VerdictOf(item, reach);
            if (item.Text.Access is null)
                found.Omit(verdict);
            else
                found.Add(verdict, () => Of(item, verdict));
        }
    }

    private static Verdict VerdictOf(Failed item, Reachability reach)
    {
        var isReached = item.Site.Code is null || reach.IsReached(item.Site.Code, item.Site.Instruction);
        return item.Failure.IsRefusal() || (item.IsPoisoned && isReached) ? Verdict.Error : Verdict.Guarded;
    }

    /// <summary>Relocated code is a copy, made with the first change.</summary>
    private CoreFailure Patch(Site site, in CoreOutcome outcome, ref Dictionary<int, BpfInstruction[]> patched)
    {
        if (site.Code is null)
            return outcome.Failure;
        var code = patched[site.Code.Index];
        var second = site.Instruction + 1 < code.Length ? code[site.Instruction + 1] : default;
        var failure = CorePatch.Apply(code[site.Instruction], second, outcome, out var changed);
        if (changed.First == code[site.Instruction] && changed.Second == second)
            return failure;
        if (ReferenceEquals(patched, _code))
            patched = _code.ToDictionary(pair => pair.Key, pair => (BpfInstruction[])pair.Value.Clone());
        patched[site.Code.Index][site.Instruction] = changed.First;
        if (changed.Second != second)
            patched[site.Code.Index][site.Instruction + 1] = changed.Second;
        return failure;
    }

    private Finding Of(Failed item, Verdict verdict)
    {
        var function = item.Site.Code?.FunctionAt(item.Site.Instruction);
        var (source, text) = LineOf(item.Site);
        return new(verdict, Kebab(item.Failure.ToString()), CoreText.Shortened(function?.Name ?? ""), CoreText.Shortened(item.Site.Section),
            item.Site.Instruction - (function?.Start ?? 0), source, text, item.Site.Relocation.Kind.LogName(), item.Text.Access, CoreText.Shortened(item.Text.Explanation));
    }

    private static Finding Of(Need need, string explanation) => new(
        need.IsOptional ? Verdict.Guarded : Verdict.Error, $"no-{Kebab(need.Kind.ToString())}", "", CoreText.Shortened(need.Of), -1, "", "",
        Kebab(need.Kind.ToString()), CoreText.Shortened(need.Name), CoreText.Shortened(explanation));

    private (string Source, string Text) LineOf(Site site)
    {
        var lines = _object.Ext.Lines.FirstOrDefault(section => _object.Btf.Name(section.NameOffset) == site.Section)?.Records;
        var line = lines?.LastOrDefault(line => line.InstructionOffset <= site.Relocation.InstructionOffset);
        return line is { FileNameOffset: > 0 } known
            ? ($"{CoreText.Line(_object.Btf, known.FileNameOffset)}:{known.Line}", CoreText.Line(_object.Btf, known.TextOffset))
            : ("", "");
    }

    private static IEnumerable<Site> SitesOf(BpfObject item)
    {
        var byName = item.Code.DistinctBy(code => code.Name).ToDictionary(code => code.Name, StringComparer.Ordinal);
        foreach (var section in item.Ext.Relocations)
        {
            var name = item.Btf.Name(section.NameOffset);
            var code = byName.GetValueOrDefault(name);
            foreach (var relocation in section.Records)
            {
                var index = relocation.InstructionOffset / BpfInstruction.ByteSize;
                if (code is not null && (relocation.InstructionOffset % BpfInstruction.ByteSize != 0 || index >= code.Count))
                    throw new BtfFormatException(BtfExt.SectionName, 0, relocation.InstructionOffset, $"a relocation outside {name}");
                yield return new(relocation, name, code, (int)index);
            }
        }
    }

    private static string Kebab(string name) =>
        string.Concat(name.Select((letter, i) => char.IsUpper(letter) ? $"{(i > 0 ? "-" : "")}{char.ToLowerInvariant(letter)}" : letter.ToString()));

    /// <summary>A relocation and the instruction it is of; without code if the section is not in the file.</summary>
    private sealed record Site(CoreRelocation Relocation, string Section, BpfCode? Code, int Instruction);

    /// <param name="Text">What people read of it; of the first <see cref="MaxFindings"/> only.</param>
    private readonly record struct Failed(Site Site, CoreFailure Failure, bool IsPoisoned, (string Access, string Explanation) Text);

    /// <summary>All findings count, and the first are kept.</summary>
    private sealed class Findings
    {
        private readonly List<Finding> _kept = [];
        private Verdict _verdict;
        private int _omitted;

        public void Add(Verdict verdict, Func<Finding> make)
        {
            if (_kept.Count == MaxFindings)
            {
                Omit(verdict);
                return;
            }
            _kept.Add(make());
            _verdict = verdict > _verdict ? verdict : _verdict;
        }

        public void Omit(Verdict verdict)
        {
            _omitted++;
            _verdict = verdict > _verdict ? verdict : _verdict;
        }

        public CompatibilityResult ToResult() => new(_verdict, _kept, _omitted);
    }
}
