namespace Btf.CoRe;

/// <summary>Puts the value of a relocation into its instruction, or finds that it does not fit, as libbpf does.</summary>
public static class CorePatch
{
    /// <param name="code">The instruction that is relocated.</param>
    /// <param name="second">The one behind it, of which a wide load has its upper half.</param>
    /// <param name="outcome">What the relocation came to, with or without a failure.</param>
    /// <param name="patched">The instruction and the one behind it with the value in them.</param>
    /// <returns>The failure of the outcome, or a new one; with a failure that is no refusal the loader goes on, and <see cref="IsPoisoned"/> tells how.</returns>
    public static CoreFailure Apply(BpfInstruction code, BpfInstruction second, in CoreOutcome outcome, out (BpfInstruction First, BpfInstruction Second) patched)
    {
        patched = (code, second);
        if (outcome.IsPoison)
            return outcome.Failure;
        var failure = code.Class switch
        {
            BpfClass.Alu or BpfClass.Alu64 => Immediate(code, outcome, ref patched.First),
            BpfClass.Ldx or BpfClass.St or BpfClass.Stx => Offset(code, outcome, ref patched.First),
            BpfClass.Ld => WideLoad(code, second, outcome, ref patched),
            _ => CoreFailure.UnexpectedInstruction,
        };
        return failure == CoreFailure.None ? outcome.Failure : failure;
    }

    /// <summary>Whether an instruction is replaced by an invalid one.</summary>
    public static bool IsPoisoned(in CoreOutcome outcome, CoreFailure applied) => outcome.IsPoison || applied == CoreFailure.SizeNotAdjustable;

    private static CoreFailure Immediate(BpfInstruction code, in CoreOutcome outcome, ref BpfInstruction patched)
    {
        if (code.UsesSourceRegister)
            return CoreFailure.UnexpectedInstruction;
        if (outcome.IsChecked && (ulong)code.Immediate != outcome.LocalValue)
            return CoreFailure.UnexpectedValue;
        patched = code with { Immediate = (int)outcome.TargetValue };
        return CoreFailure.None;
    }

    private static CoreFailure Offset(BpfInstruction code, in CoreOutcome outcome, ref BpfInstruction patched)
    {
        if (outcome.IsChecked && (ulong)code.Offset != outcome.LocalValue)
            return CoreFailure.UnexpectedValue;
        if (outcome.TargetValue > (ulong)short.MaxValue)
            return CoreFailure.OffsetTooLarge;
        if (outcome.IsSizeFixed)
            return CoreFailure.SizeNotAdjustable;
        patched = code with { Offset = (short)outcome.TargetValue };
        if (outcome.LocalSize == outcome.TargetSize)
            return CoreFailure.None;
        var isLoadable = code.AccessSize == outcome.LocalSize && outcome.TargetSize is 1 or 2 or 4 or 8;
        return isLoadable ? CoreFailure.None : CoreFailure.UnexpectedInstruction;
    }

    private static CoreFailure WideLoad(BpfInstruction code, BpfInstruction second, in CoreOutcome outcome, ref (BpfInstruction First, BpfInstruction Second) patched)
    {
        if (!code.IsWideLoad || code is not { Source: 0, Offset: 0 } || second is not { Code: 0, Destination: 0, Source: 0, Offset: 0 })
            return CoreFailure.UnexpectedInstruction;
        var value = (uint)code.Immediate | (ulong)(uint)second.Immediate << 32;
        if (outcome.IsChecked && value != outcome.LocalValue)
            return CoreFailure.UnexpectedValue;
        patched = (code with { Immediate = (int)outcome.TargetValue }, second with { Immediate = (int)(outcome.TargetValue >> 32) });
        return CoreFailure.None;
    }
}
