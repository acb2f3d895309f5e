namespace Btf.CoRe.Compatibility;

/// <summary>
/// Asks of one object, kernel by kernel, whether it will load and attach. The object is read once; a kernel on which all resolves
/// costs the resolution and no more. Safe for concurrent use.
/// </summary>
public sealed class CompatibilityCheck
{
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
        var findings = new List<Finding>();
        CheckRelocations(target, kernelVersion, findings);
        var check = new NeedCheck(target, functions);
        foreach (var need in _needs)
        {
            var (answer, explanation) = check.Answer(need);
            if (answer == NeedAnswer.Missing)
                findings.Add(Of(need, explanation));
        }
        return new(findings.Count == 0 ? Verdict.Ok : findings.Max(finding => finding.Verdict), findings);
    }

    private void CheckRelocations(CoreTarget target, ulong? kernelVersion, List<Finding> findings)
    {
        var resolver = CoreResolution.Create(_loader, _object, target);
        List<Failed>? failed = null;
        var patched = _code;
        for (var i = 0; i < _sites.Count; i++)
        {
            var outcome = resolver.Resolve(_sites[i].Relocation, out var local, out var found);
            var failure = Patch(_sites[i], outcome, ref patched);
            // A question whether something exists is answered, not failed.
            if (failure != CoreFailure.None && !(failure.IsAbsence() && outcome is { IsPoison: false, IsChecked: true } && _sites[i].Relocation.Kind.IsExistence()))
                (failed ??= []).Add(new(_sites[i], failure, CorePatch.IsPoisoned(outcome, failure), CoreText.Of(local), CoreExplanation.Of(failure, local, found)));
        }
        if (failed is null)
            return;
        var reach = new Reachability(_object, patched, symbol => symbol == "LINUX_KERNEL_VERSION" ? kernelVersion : null);
        findings.AddRange(failed.Select(item => Of(item, reach)));
    }

    /// <summary>Relocated code is a copy, made with the first change that matters: of what resolved, only answers that a branch may ask for do.</summary>
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

    private Finding Of(Failed item, Reachability reach)
    {
        var (code, index) = (item.Site.Code, item.Site.Instruction);
        var isReached = code is null || reach.IsReached(code, index);
        var verdict = item.Failure.IsRefusal() || (item.IsPoisoned && isReached) ? Verdict.Error : Verdict.Guarded;
        var function = code?.FunctionAt(index);
        var (source, text) = LineOf(item.Site);
        return new(verdict, Kebab(item.Failure.ToString()), function?.Name ?? "", item.Site.Section, index - (function?.Start ?? 0), source, text,
            item.Site.Relocation.Kind.LogName(), item.Access, item.Explanation);
    }

    private static Finding Of(Need need, string explanation) => new(
        need.IsOptional ? Verdict.Guarded : Verdict.Error, $"no-{Kebab(need.Kind.ToString())}", "", need.Of, -1, "", "", Kebab(need.Kind.ToString()), need.Name, explanation);

    private (string Source, string Text) LineOf(Site site)
    {
        var lines = _object.Ext.Lines.FirstOrDefault(section => _object.Btf.Name(section.NameOffset) == site.Section)?.Records;
        var line = lines?.LastOrDefault(line => line.InstructionOffset <= site.Relocation.InstructionOffset);
        return line is { FileNameOffset: > 0 } known
            ? ($"{_object.Btf.Name(known.FileNameOffset)}:{known.Line}", _object.Btf.Name(known.TextOffset).Trim())
            : ("", "");
    }

    private static IEnumerable<Site> SitesOf(BpfObject item)
    {
        foreach (var section in item.Ext.Relocations)
        {
            var name = item.Btf.Name(section.NameOffset);
            var code = item.Code.FirstOrDefault(code => code.Name == name);
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

    private sealed record Failed(Site Site, CoreFailure Failure, bool IsPoisoned, string Access, string Explanation);
}
