namespace Btf.CoRe;

/// <summary>
/// What the relocations of one object may cost together on one target: members, enumerators and types that are looked at. Linux's
/// selftests and libbpf-tools need up to a few hundred thousand; an object of 8 MB could ask for a thousand million.
/// </summary>
internal sealed class StepBudget
{
    private const int Steps = 20_000_000;

    private int _spent;

    /// <summary>Takes one step; false if there are none left.</summary>
    public bool Take() => _spent < Steps && ++_spent <= Steps;
}
