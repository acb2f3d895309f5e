namespace Btf.CoRe.Compatibility;

/// <summary>What is known of a register at one place, on all ways that lead there.</summary>
internal readonly record struct KnownValue
{
    private KnownValue(ulong value, string? symbol, bool isConstant) => (Value, Symbol, IsConstant) = (value, symbol, isConstant);

    public static KnownValue Unknown => default;

    public ulong Value { get; }

    /// <summary>The value is the address of this extern variable.</summary>
    public string? Symbol { get; }

    public bool IsConstant { get; }

    public static KnownValue Constant(ulong value) => new(value, null, true);

    public static KnownValue AddressOf(string symbol) => new(0, symbol, false);

    /// <summary>What holds of both.</summary>
    public KnownValue Join(in KnownValue other) => this == other ? this : Unknown;
}

/// <summary>The registers r0 to r10.</summary>
internal sealed class RegisterState
{
    private const int Count = 11;

    private readonly KnownValue[] _registers = new KnownValue[Count];

    public KnownValue this[int register]
    {
        get => register < Count ? _registers[register] : KnownValue.Unknown;
        set
        {
            if (register < Count)
                _registers[register] = value;
        }
    }

    public RegisterState Copy()
    {
        var copy = new RegisterState();
        _registers.CopyTo(copy._registers, 0);
        return copy;
    }

    /// <summary>Forgets what does not hold of the other state too.</summary>
    /// <returns>Whether something was forgotten.</returns>
    public bool Join(RegisterState other)
    {
        var changed = false;
        for (var i = 0; i < Count; i++)
        {
            var joined = _registers[i].Join(other._registers[i]);
            changed |= joined != _registers[i];
            _registers[i] = joined;
        }
        return changed;
    }

    /// <summary>A call changes r0 and leaves r1 to r5 without meaning (RFC 9669 §2).</summary>
    public void ForgetAfterCall()
    {
        for (var i = 0; i <= 5; i++)
            _registers[i] = KnownValue.Unknown;
    }
}
