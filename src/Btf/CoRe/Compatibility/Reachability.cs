using System.Collections;

namespace Btf.CoRe.Compatibility;

/// <summary>
/// Which instructions of an object can be reached, once relocations are applied. The verifier follows constants and never looks at
/// what they exclude: code behind <c>if (bpf_core_field_exists(…))</c> may be poisoned and does no harm where the field is missing. So this
/// follows constants too, through registers, from every program's first instruction, until nothing new is reached.
/// </summary>
/// <remarks>
/// Where two ways meet, only what both agree on stays known, and memory is not followed but for externs such as
/// <c>LINUX_KERNEL_VERSION</c>: an instruction that is said not to be reached is not; one that is said to be may not.
/// </remarks>
internal sealed class Reachability
{
    /// <summary>Larger objects are not followed, but taken as reached: a state for each place that ways lead to takes 300 bytes. The largest of Linux's selftests (pyperf180 of 6.1) has 91,473 instructions.</summary>
    private const int MaxInstructions = 250_000;

    private readonly Dictionary<int, BpfInstruction[]> _code;
    private readonly Dictionary<int, BpfCode> _sections;
    private readonly Dictionary<int, BitArray> _reached;
    private readonly Dictionary<int, BitArray> _leaders;
    private readonly Dictionary<(int, int), RegisterState> _states = [];
    private readonly Queue<(int Section, int Index)> _work = new();
    private readonly Func<string, ulong?> _extern;

    /// <param name="item">The object.</param>
    /// <param name="patched">Its instructions with relocations applied, by the index of their ELF section.</param>
    /// <param name="externs">The values of extern variables that the loader knows.</param>
    public Reachability(BpfObject item, Dictionary<int, BpfInstruction[]> patched, Func<string, ulong?> externs)
    {
        _code = patched;
        _extern = externs;
        _sections = item.Code.ToDictionary(code => code.Index);
        _reached = patched.ToDictionary(pair => pair.Key, pair => new BitArray(pair.Value.Length));
        _leaders = patched.ToDictionary(pair => pair.Key, pair => FindLeaders(pair.Value));
        if (patched.Values.Sum(code => (long)code.Length) > MaxInstructions)
            SetAll();
        else
            Run(item);
    }

    public bool IsReached(BpfCode code, int instruction) => _reached[code.Index][instruction];

    private void SetAll()
    {
        foreach (var reached in _reached.Values)
            reached.SetAll(true);
    }

    private void Run(BpfObject item)
    {
        foreach (var code in item.Code)
        {
            foreach (var function in code.Functions.Where(function => function.IsProgram))
                Enter(code.Index, function.Start, new RegisterState());
            // Without symbols nobody knows where its programs begin but at the first instruction.
            if (code.Functions.Count == 0)
                Enter(code.Index, 0, new RegisterState());
        }
        while (_work.TryDequeue(out var next))
            Follow(next.Section, next.Index, _states[next].Copy());
    }

    private void Enter(int section, int index, RegisterState state)
    {
        if (!_code.TryGetValue(section, out var code) || (uint)index >= (uint)code.Length)
            return;
        _leaders[section][index] = true;
        if (!_states.TryGetValue((section, index), out var known))
            _states.Add((section, index), state.Copy());
        else if (!known.Join(state))
            return;
        _work.Enqueue((section, index));
    }

    /// <summary>Goes on to the next place that several ways lead to, or to the end of the way.</summary>
    private void Follow(int section, int index, RegisterState state)
    {
        var code = _code[section];
        while (true)
        {
            _reached[section][index] = true;
            var instruction = code[index];
            var next = index + (instruction.IsWideLoad ? 2 : 1);
            if (instruction.IsJump && !Jump(section, index, instruction, state))
                return;
            if (!instruction.IsJump)
                Execute(section, index, instruction, state);
            if (next >= code.Length)
                return;
            index = next;
            if (!_leaders[section][index])
                continue;
            Enter(section, index, state);
            return;
        }
    }

    /// <returns>Whether the next instruction can be reached from here.</returns>
    private bool Jump(int section, int index, BpfInstruction code, RegisterState state)
    {
        if (code.IsCall)
        {
            if (code.IsLocalCall)
                EnterCallee(section, index, index + code.Immediate + 1, code.Immediate, state);
            state.ForgetAfterCall();
            return true;
        }
        if (code.IsExit)
            return false;
        if (code.Operation == 0)
        {
            Enter(section, index + 1 + (code.Class == BpfClass.Jmp32 ? code.Immediate : code.Offset), state);
            return false;
        }
        var taken = IsTaken(code, state);
        if (taken != false)
            Enter(section, index + 1 + code.Offset, state);
        return taken != true;
    }

    private static bool? IsTaken(BpfInstruction code, RegisterState state)
    {
        var (left, right) = (state[code.Destination], Operand(code, state));
        return left.IsConstant && right.IsConstant ? ConstantArithmetic.Compare(code, left.Value, right.Value) : null;
    }

    private static KnownValue Operand(BpfInstruction code, RegisterState state) =>
        code.UsesSourceRegister ? state[code.Source] : KnownValue.Constant((ulong)code.Immediate);

    /// <summary>A function is called within its section, or by a relocation that names it or its section.</summary>
    private void EnterCallee(int section, int index, int local, int immediate, RegisterState state)
    {
        var (callee, start) = _sections[section].References.TryGetValue(index, out var reference)
            ? (reference.SectionIndex, (int)(reference.Value / BpfInstruction.ByteSize) + immediate + 1)
            : (section, local);
        EnterFunction(callee, start, state);
    }

    private void EnterFunction(int section, int start, RegisterState state)
    {
        var isLocal = _sections.TryGetValue(section, out var code) && code.FunctionAt(start) is { IsLocal: true };
        Enter(section, start, isLocal ? Arguments(state) : new RegisterState());
    }

    private static RegisterState Arguments(RegisterState state)
    {
        var arguments = new RegisterState();
        for (var i = 1; i <= 5; i++)
            arguments[i] = state[i];
        return arguments;
    }

    private void Execute(int section, int index, BpfInstruction code, RegisterState state)
    {
        switch (code.Class)
        {
            case BpfClass.Alu or BpfClass.Alu64:
                state[code.Destination] = Calculate(code, state);
                break;
            case BpfClass.Ldx:
                state[code.Destination] = Load(code, state);
                break;
            case BpfClass.Ld when code.IsWideLoad:
                state[code.Destination] = LoadWide(section, index, code);
                break;
            case BpfClass.Ld:
                state.ForgetAfterCall();
                break;
            case BpfClass.Stx when (code.Code & 0xe0) == 0xc0:
                // Atomic operations may write back to the source, compare-and-exchange to r0.
                state[code.Source] = KnownValue.Unknown;
                state[0] = KnownValue.Unknown;
                break;
            default:
                break;
        }
    }

    private static KnownValue Calculate(BpfInstruction code, RegisterState state)
    {
        var operand = Operand(code, state);
        var isMove = code is { Operation: 0xb, Offset: 0 };
        if (isMove && code.Class == BpfClass.Alu64)
            return operand;
        var left = isMove ? KnownValue.Constant(0) : state[code.Destination];
        return left.IsConstant && operand.IsConstant && ConstantArithmetic.Calculate(code, left.Value, operand.Value) is { } value
            ? KnownValue.Constant(value)
            : KnownValue.Unknown;
    }

    private KnownValue Load(BpfInstruction code, RegisterState state) =>
        code.Offset == 0 && state[code.Source].Symbol is { } symbol && _extern(symbol) is { } value ? KnownValue.Constant(value) : KnownValue.Unknown;

    private KnownValue LoadWide(int section, int index, BpfInstruction code)
    {
        if (_sections[section].References.TryGetValue(index, out var reference))
        {
            // A function's address is taken for a callback.
            if (_sections.ContainsKey(reference.SectionIndex))
                EnterFunction(reference.SectionIndex, (int)(reference.Value / BpfInstruction.ByteSize) + Math.Max(code.Immediate / BpfInstruction.ByteSize, 0), new RegisterState());
            return reference.SectionIndex == 0 ? KnownValue.AddressOf(reference.Symbol) : KnownValue.Unknown;
        }
        var words = _code[section];
        return code.Source == 0 && index + 1 < words.Length
            ? KnownValue.Constant((uint)code.Immediate | (ulong)(uint)words[index + 1].Immediate << 32)
            : KnownValue.Unknown;
    }

    private static BitArray FindLeaders(BpfInstruction[] code)
    {
        var leaders = new BitArray(code.Length);
        for (var i = 0; i < code.Length; i++)
        {
            if (!code[i].IsJump || code[i].IsCall || code[i].IsExit)
                continue;
            var target = (long)i + 1 + (code[i] is { Operation: 0, Class: BpfClass.Jmp32 } ? code[i].Immediate : code[i].Offset);
            if (target >= 0 && target < code.Length)
                leaders[(int)target] = true;
        }
        return leaders;
    }
}
