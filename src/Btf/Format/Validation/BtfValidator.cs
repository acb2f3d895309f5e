namespace Btf.Format.Validation;

/// <summary>
/// The rules by which a kernel accepts BTF (<c>kernel/bpf/btf.c</c> as of 6.18), checked in the kernel's order of dependence:
/// <list type="number">
/// <item>the layout of the sections (<c>btf_parse_hdr</c>, <c>btf_parse_str_sec</c>);</item>
/// <item>each record by itself (<c>btf_check_all_metas</c>);</item>
/// <item>what the types refer to: chains, cycles and sizes (<c>btf_resolve</c>);</item>
/// <item>what depends on sizes: members, arrays, prototypes, variables, tags (<c>btf_check_all_types</c>, <c>btf_check_type_tags</c>).</item>
/// </list>
/// Each step presumes the ones before it, so a step with findings is the last.
/// </summary>
/// <remarks>
/// Stricter than the kernel: no cycle without a named struct or union, no composite that contains itself through a modifier,
/// ASCII names only, no modifier of a FUNC whatever the order of ids. More lenient: an enum member of a kind_flag struct needs its own size, where the kernel wants room for
/// four bytes, and pointers have the size of the BTF's <c>long</c>, not of the running kernel's.
/// </remarks>
public static class BtfValidator
{
    /// <summary>The violations found, at most a hundred; empty if the BTF is valid.</summary>
    public static IReadOnlyList<BtfFinding> Check(BtfBlob blob)
    {
        var findings = new BtfFindings();
        LayoutRules.Check(blob, findings);
        if (findings.None)
            new RecordRules(blob, findings).Check();
        if (findings.None)
            CheckReferences(blob, findings);
        return findings.All;
    }

    /// <exception cref="BtfFormatException">A rule is violated; the first violation is told.</exception>
    public static void Validate(BtfBlob blob) => ThrowFirst(Check(blob));

    /// <summary>Types that are equal record by record, and strings stored twice: what deduplication leaves none of.</summary>
    public static IReadOnlyList<BtfFinding> CheckDeduplicated(BtfBlob blob)
    {
        var findings = new BtfFindings();
        DuplicateRules.Check(blob, findings);
        return findings.All;
    }

    /// <exception cref="BtfFormatException">Two types or two strings are the same.</exception>
    public static void VerifyDeduplicated(BtfBlob blob) => ThrowFirst(CheckDeduplicated(blob));

    private static void CheckReferences(BtfBlob blob, BtfFindings findings)
    {
        var sizes = ResolvedSizes.Resolve(blob, findings);
        if (findings.None)
            new ReferenceRules(blob, sizes, findings).Check();
    }

    private static void ThrowFirst(IReadOnlyList<BtfFinding> findings)
    {
        if (findings is [var first, ..])
            throw new BtfFormatException($"BTF type {first.TypeId}", 0, first.Value, $"{first.Rule}: {first.Problem}");
    }
}
