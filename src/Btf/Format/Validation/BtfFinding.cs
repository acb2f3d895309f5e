namespace Btf.Format.Validation;

/// <summary>What a finding is about.</summary>
public enum BtfRule
{
    /// <summary>Header and sections: gaps, overlaps, limits.</summary>
    Layout,

    /// <summary>Bits, kind_flag or vlen that the kind does not have.</summary>
    TypeInfo,

    /// <summary>A name offset past the strings, or a name that the kind may not have.</summary>
    Name,

    /// <summary>A type id out of range, or of a kind that may not stand there.</summary>
    TypeId,

    /// <summary>A size that the kind cannot have, or that disagrees with another.</summary>
    Size,
    IntEncoding,
    MemberOffset,
    BitfieldSize,
    Linkage,
    DatasecEntry,
    ComponentIndex,
    TagOrder,

    /// <summary>A type that contains itself, a cycle without a named struct or union, or a chain the kernel gives up on.</summary>
    Cycle,

    /// <summary>Two types or strings that are the same.</summary>
    Duplicate,
}

/// <summary>One violation: the type it was found on (0 for the file as a whole) and the offending value.</summary>
public sealed record BtfFinding(BtfRule Rule, uint TypeId, ulong Value, string Problem)
{
    public override string ToString() => $"[{TypeId}] {Rule}: {Problem} (value 0x{Value:x})";
}

/// <summary>Collects findings up to a limit: past some dozens they tell the same story.</summary>
internal sealed class BtfFindings
{
    private const int Limit = 100;
    private readonly List<BtfFinding> _all = [];

    public IReadOnlyList<BtfFinding> All => _all;
    public bool None => _all.Count == 0;
    public bool Full => _all.Count >= Limit;

    public void Add(BtfRule rule, in BtfType type, ulong value, string problem) => Add(rule, type.Id, value, $"{type.Kind} {problem}");

    public void Add(BtfRule rule, uint typeId, ulong value, string problem)
    {
        if (!Full)
            _all.Add(new BtfFinding(rule, typeId, value, problem));
    }
}
