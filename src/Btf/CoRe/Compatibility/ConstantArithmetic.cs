namespace Btf.CoRe.Compatibility;

/// <summary>Arithmetic and comparisons of constants (RFC 9669 §4.1, §4.3), as far as compilers apply it to what CO-RE relocations put into registers.</summary>
internal static class ConstantArithmetic
{
    /// <summary>Null where the result is not known, or the operation none that is followed.</summary>
    public static ulong? Calculate(BpfInstruction code, ulong left, ulong right)
    {
        var is32 = code.Class == BpfClass.Alu;
        if (is32)
            (left, right) = ((uint)left, (uint)right);
        var shift = (int)(right & (is32 ? 31u : 63u));
        ulong? result = code.Operation switch
        {
            0x0 => left + right,
            0x1 => left - right,
            0x2 => left * right,
            0x4 => left | right,
            0x5 => left & right,
            0x6 => left << shift,
            0x7 => left >> shift,
            0x8 => 0 - left,
            0xa => left ^ right,
            0xb => Moved(code, right),
            0xc => is32 ? (ulong)((int)left >> shift) : (ulong)((long)left >> shift),
            _ => null,
        };
        return is32 ? (uint?)result : result;
    }

    /// <summary>A move with an offset extends the sign of that many bits.</summary>
    private static ulong? Moved(BpfInstruction code, ulong value) => code.Offset switch
    {
        0 => value,
        8 => (ulong)(sbyte)value,
        16 => (ulong)(short)value,
        32 => (ulong)(int)value,
        _ => null,
    };

    /// <summary>Whether a conditional jump is taken; null if it is none that is followed.</summary>
    public static bool? Compare(BpfInstruction code, ulong left, ulong right)
    {
        if (code.Class == BpfClass.Jmp32)
            (left, right) = ((ulong)(int)left, (ulong)(int)right);
        var (l, r) = code.Class == BpfClass.Jmp32 ? ((uint)left, (uint)right) : (left, right);
        return code.Operation switch
        {
            0x1 => l == r,
            0x2 => l > r,
            0x3 => l >= r,
            0x4 => (l & r) != 0,
            0x5 => l != r,
            0x6 => (long)left > (long)right,
            0x7 => (long)left >= (long)right,
            0xa => l < r,
            0xb => l <= r,
            0xc => (long)left < (long)right,
            0xd => (long)left <= (long)right,
            _ => null,
        };
    }
}
