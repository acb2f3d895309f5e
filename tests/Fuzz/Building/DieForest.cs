using Btf.Elf;

namespace Fuzz.Building;

/// <summary>
/// Images whose DWARF is well-formed byte by byte and arbitrary in meaning: types that refer to any DIE, themselves included,
/// names that mean several things, members without types, functions with the parameters of others. What mutation of real
/// DWARF rarely reaches.
/// </summary>
internal sealed class DieForest
{
    private static readonly (ElfMachine Machine, bool Is64, bool BigEndian)[] Machines =
        [(ElfMachine.X8664, true, false), (ElfMachine.AArch64, true, false), (ElfMachine.S390, true, true), (ElfMachine.Arm, false, false)];

    private static readonly ushort[] TypeTags =
    [
        Tag.BaseType, Tag.PointerType, Tag.ConstType, Tag.VolatileType, Tag.RestrictType, Tag.Typedef, Tag.ArrayType, Tag.StructureType,
        Tag.UnionType, Tag.EnumerationType, Tag.SubroutineType, Tag.UnspecifiedType, Tag.AtomicType, Tag.StructureType, Tag.Typedef, Tag.PointerType,
    ];

    private const string PerCpu = ".data..percpu";
    private const ulong PerCpuAddress = 0x1000;
    private const int Names = 12;

    private readonly Random _random;
    private readonly ElfBuilder _elf;
    private readonly List<Die> _all = [];
    private readonly List<BuiltSymbol> _symbols = [];

    private DieForest(Random random)
    {
        _random = random;
        var (machine, is64, bigEndian) = Machines[random.Next(Machines.Length)];
        _elf = new ElfBuilder(machine, is64, bigEndian);
    }

    public static byte[] Image(Random random) => new DieForest(random).Build();

    private byte[] Build()
    {
        var dwarf = new DwarfBuilder(_elf.BigEndian, (byte)_elf.WordBytes);
        for (var unit = _random.Next(1, 4); unit > 0; unit--)
            AddUnit(dwarf);
        _elf.Add(PerCpu, new byte[64], address: PerCpuAddress);
        _elf.Add(".debug_info", dwarf.Info);
        _elf.Add(".debug_abbrev", dwarf.Abbrev);
        _elf.AddSymbols(_symbols);
        return _elf.Build();
    }

    private void AddUnit(DwarfBuilder dwarf)
    {
        _all.Clear();
        var tops = new List<Die>();
        for (var i = _random.Next(1, 24); i > 0; i--)
            tops.Add(Type(depth: 0));
        for (var i = _random.Next(5); i > 0; i--)
            tops.Add(_random.Next(3) == 0 ? Variable() : Function());
        foreach (var die in _all.ToArray())
            Refer(die);
        dwarf.Add((ushort)_random.Next(2, 6), tops);
    }

    private Die New(ushort tag)
    {
        var die = new Die(tag);
        _all.Add(die);
        return die;
    }

    private bool Once(int times) => _random.Next(times) == 0;

    private string Name(string prefix) => $"{prefix}{_random.Next(Names)}";

    private ulong Small() => Once(20) ? Mutation.ByteMutations.Number(_random, 64) : (ulong)_random.Next(64);

    private Die Type(int depth)
    {
        var type = New(TypeTags[_random.Next(TypeTags.Length)]);
        if (!Once(3))
            type.Named(Name("t"));
        if (!Once(3))
            type.Sized(Once(10) ? Small() : 1UL << _random.Next(5));
        if (type.Tag == Tag.BaseType)
            type.With(At.Encoding, Form.Data1, (ulong)_random.Next(1, 16));
        if (Once(10))
            type.With(At.Declaration, Form.FlagPresent, 1UL);
        for (var i = _random.Next(6); i > 0; i--)
            type.Holding(Child(type.Tag, depth));
        return type;
    }

    private Die Child(ushort owner, int depth)
    {
        if (depth < 4 && Once(8))
            return Type(depth + 1);
        return owner switch
        {
            Tag.EnumerationType => New(Tag.Enumerator).Named(Name("E")).With(At.ConstValue, Once(2) ? Form.Sdata : Form.Udata, Once(4) ? Small() : (ulong)_random.Next(-4, 9)),
            Tag.ArrayType => New(Tag.SubrangeType).With(Once(3) ? At.Count : At.UpperBound, Form.Udata, Small()),
            Tag.SubroutineType => Once(5) ? New(Tag.UnspecifiedParameters) : New(Tag.FormalParameter),
            _ => Member(),
        };
    }

    private Die Member()
    {
        var member = New(Tag.Member);
        if (!Once(4))
            member.Named(Name("m"));
        if (!Once(4))
            member.With(At.DataMemberLocation, Form.Udata, Small());
        if (Once(4))
            member.With(At.BitSize, Form.Data1, Small());
        if (Once(6))
            member.With(At.DataBitOffset, Form.Udata, Small());
        if (Once(6))
            member.With(At.BitOffset, Form.Data1, Small());
        return member;
    }

    private Die Function()
    {
        var name = Name("f");
        var address = (ulong)_random.Next(1, 4) * 0x100;
        _symbols.Add(new BuiltSymbol(Once(6) ? name + ".isra.0" : name, ElfSymbolType.Func, 1, address, 16));
        var function = New(Tag.Subprogram);
        if (!Once(3))
            function.Named(name);
        if (!Once(3))
            function.With(At.LowPc, Form.Addr, address);
        if (!Once(3))
            function.With(At.External, Form.FlagPresent, 1UL);
        for (var i = _random.Next(8); i > 0; i--)
            function.Holding(Once(6) ? New(Tag.LexicalBlock).Holding(Type(depth: 3)) : Parameter());
        return function;
    }

    private Die Parameter()
    {
        var parameter = New(Tag.FormalParameter);
        if (!Once(3))
            parameter.Named(Name("p"));
        if (!Once(3))
            parameter.With(At.Location, Form.Exprloc, new[] { (byte)(0x50 + _random.Next(8)) });
        return parameter;
    }

    private Die Variable()
    {
        var name = Name("v");
        var address = PerCpuAddress + (ulong)(8 * _random.Next(9));
        _symbols.Add(new BuiltSymbol(name, ElfSymbolType.Object, 1, address, 8));
        var location = new ByteOrderWriter(_elf.BigEndian);
        location.Number(3, 1);
        location.Number(address, _elf.WordBytes);
        var variable = New(Tag.Variable).With(At.Location, Form.Exprloc, location.ToArray());
        return Once(4) ? variable : variable.Named(name);
    }

    /// <summary>References last, when all DIEs of the unit are known.</summary>
    private void Refer(Die die)
    {
        var mayBeVoid = die.Tag is Tag.PointerType or Tag.ConstType or Tag.VolatileType or Tag.Subprogram or Tag.SubroutineType;
        if (die.Tag is not (Tag.BaseType or Tag.Enumerator or Tag.LexicalBlock or Tag.UnspecifiedParameters) && !Once(mayBeVoid ? 4 : 30))
            die.With(At.Type, Once(12) ? Form.RefAddr : Form.Ref4, Target(die));
        if (die.Tag is Tag.Subprogram or Tag.FormalParameter or Tag.Variable && Once(3))
            die.With(Once(3) ? At.Specification : At.AbstractOrigin, Form.Ref4, Once(8) ? _all[_random.Next(_all.Count)] : OfTag(die.Tag));
    }

    private Die Target(Die from)
    {
        if (Once(40))
            return _all[_random.Next(_all.Count)];
        if (Once(25))
            return from;
        for (var attempt = 0; attempt < 16; attempt++)
        {
            var die = _all[_random.Next(_all.Count)];
            if (TypeTags.AsSpan().Contains(die.Tag))
                return die;
        }
        return from;
    }

    private Die OfTag(ushort tag)
    {
        var some = _all.Where(die => die.Tag == tag).ToList();
        return some[_random.Next(some.Count)];
    }
}
