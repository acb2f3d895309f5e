using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>What a DIE means to the converter; decided once per abbreviation.</summary>
internal enum DieRole : byte
{
    /// <summary>Of no interest itself, but types may stand inside (lexical blocks, inlined subroutines, namespaces).</summary>
    Scope,

    /// <summary>Of no interest, and nothing inside can be (call sites): its sibling is next.</summary>
    Skip,
    Unit,
    Type,
    Member,
    Enumerator,
    Subrange,
    Parameter,
    UnspecifiedParameters,
    Subprogram,
    Variable,
    Import,
}

/// <summary>Attributes that the converter captures, as indexes into <see cref="DieAttributes"/>.</summary>
internal enum Slot : byte
{
    Name,
    Type,
    ByteSize,
    BitOffset,
    BitSize,
    DataBitOffset,
    MemberLocation,
    UpperBound,
    Count,
    ConstValue,
    Declaration,
    Encoding,
    External,
    Inline,
    AbstractOrigin,
    Specification,
    Location,
    LowPc,
    Artificial,
    Sibling,
    Language,
    Producer,
    LoclistsBase,
    SlotCount,
    None = 0xff,
}

/// <summary>One step of reading a DIE: skip a number of bytes, then read one attribute form (into a slot, or past it).</summary>
/// <param name="Constant">The value of DW_FORM_implicit_const.</param>
internal readonly record struct AttributeStep(int SkipBefore, DwForm Form, Slot Slot, long Constant);

/// <summary>One abbreviation, compiled: runs of fixed-size attributes that nobody wants are one addition.</summary>
internal readonly record struct Abbrev(DwTag Tag, bool HasChildren, DieRole Role, int FirstStep, int StepCount, int SkipAfter);

/// <summary>The abbreviations of a unit (DWARF 5 §7.5.3), compiled to steps for its address and offset size.</summary>
internal sealed class AbbrevTable
{
    /// <summary>Codes below this are looked up in an array; compilers number from 1.</summary>
    private const int DenseCodes = 1 << 16;

    private readonly List<Abbrev> _abbrevs = [];
    private readonly List<AttributeStep> _steps = [];
    private readonly Dictionary<ulong, int> _sparse = [];
    private int[] _dense = new int[256];
    private AttributeStep[] _stepArray = [];
    private Abbrev[] _abbrevArray = [];

    public ReadOnlySpan<AttributeStep> Steps(in Abbrev abbrev) => _stepArray.AsSpan(abbrev.FirstStep, abbrev.StepCount);

    /// <summary>False where the code is not in the table.</summary>
    public bool TryGet(ulong code, out Abbrev abbrev)
    {
        var index = code < (ulong)_dense.Length ? _dense[code] : _sparse.GetValueOrDefault(code);
        if (index == 0)
        {
            abbrev = default;
            return false;
        }
        abbrev = _abbrevArray[index - 1];
        return true;
    }

    public static AbbrevTable Parse(ReadOnlySpan<byte> section, in UnitHeader unit, EndianReader endian)
    {
        if (unit.AbbrevOffset >= section.Length)
            throw new DwarfFormatException(".debug_info", unit.Offset, (ulong)unit.AbbrevOffset, "abbreviation offset past .debug_abbrev");
        var table = new AbbrevTable();
        var reader = new DwarfReader(section[(int)unit.AbbrevOffset..], ".debug_abbrev", unit.AbbrevOffset, endian);
        for (var code = reader.Uleb(); code != 0; code = reader.Uleb())
            table.Add(code, ref reader, unit);
        table._stepArray = [.. table._steps];
        table._abbrevArray = [.. table._abbrevs];
        return table;
    }

    private void Add(ulong code, ref DwarfReader reader, in UnitHeader unit)
    {
        var tag = reader.Uleb();
        var hasChildren = reader.U8();
        if (tag > ushort.MaxValue || hasChildren > 1)
            throw reader.Error("malformed abbreviation", tag);
        var role = RoleOf((DwTag)tag);
        var firstStep = _steps.Count;
        var skip = 0;
        while (true)
        {
            var at = reader.Uleb();
            var form = reader.Uleb();
            if (at == 0 && form == 0)
                break;
            if (at > ushort.MaxValue || form > ushort.MaxValue)
                throw reader.Error("attribute or form out of range", at > ushort.MaxValue ? at : form);
            var constant = form == (ulong)DwForm.ImplicitConst ? reader.Sleb() : 0;
            var slot = SlotOf((DwAt)at, role);
            var size = FixedSize((DwForm)form, unit);
            if (slot == Slot.None && size >= 0)
            {
                if (skip > int.MaxValue - size)
                    throw reader.Error("abbreviation too long", code);
                skip += size;
                continue;
            }
            _steps.Add(new AttributeStep(skip, (DwForm)form, slot, constant));
            skip = 0;
        }
        _abbrevs.Add(new Abbrev((DwTag)tag, hasChildren == 1, role, firstStep, _steps.Count - firstStep, skip));
        Register(code, _abbrevs.Count);
    }

    private void Register(ulong code, int index)
    {
        if (code >= DenseCodes)
        {
            _sparse.TryAdd(code, index);
            return;
        }
        if (code >= (ulong)_dense.Length)
            Array.Resize(ref _dense, Math.Min(DenseCodes, Math.Max((int)code + 1, _dense.Length * 2)));
        if (_dense[code] == 0)
            _dense[code] = index;
    }

    private static DieRole RoleOf(DwTag tag) => tag switch
    {
        DwTag.CompileUnit or DwTag.TypeUnit or DwTag.PartialUnit or DwTag.SkeletonUnit => DieRole.Unit,
        DwTag.BaseType or DwTag.PointerType or DwTag.ReferenceType or DwTag.ConstType or DwTag.VolatileType
            or DwTag.RestrictType or DwTag.AtomicType or DwTag.Typedef or DwTag.ArrayType or DwTag.StructureType
            or DwTag.ClassType or DwTag.UnionType or DwTag.EnumerationType or DwTag.SubroutineType
            or DwTag.UnspecifiedType => DieRole.Type,
        DwTag.Member => DieRole.Member,
        DwTag.Enumerator => DieRole.Enumerator,
        DwTag.SubrangeType => DieRole.Subrange,
        DwTag.FormalParameter => DieRole.Parameter,
        DwTag.UnspecifiedParameters => DieRole.UnspecifiedParameters,
        DwTag.Subprogram => DieRole.Subprogram,
        DwTag.Variable => DieRole.Variable,
        DwTag.ImportedUnit => DieRole.Import,
        DwTag.CallSite or DwTag.GnuCallSite or DwTag.CallSiteParameter or DwTag.GnuCallSiteParameter => DieRole.Skip,
        _ => DieRole.Scope,
    };

    private static Slot SlotOf(DwAt at, DieRole role)
    {
        if (role is DieRole.Scope)
            return Slot.None;
        if (role is DieRole.Skip)
            return at == DwAt.Sibling ? Slot.Sibling : Slot.None;
        return at switch
        {
            DwAt.Name => Slot.Name,
            DwAt.Type => Slot.Type,
            DwAt.ByteSize => Slot.ByteSize,
            DwAt.BitOffset => Slot.BitOffset,
            DwAt.BitSize => Slot.BitSize,
            DwAt.DataBitOffset => Slot.DataBitOffset,
            DwAt.DataMemberLocation => Slot.MemberLocation,
            DwAt.UpperBound => Slot.UpperBound,
            DwAt.Count => Slot.Count,
            DwAt.ConstValue => Slot.ConstValue,
            DwAt.Declaration => Slot.Declaration,
            DwAt.Encoding => Slot.Encoding,
            DwAt.External => Slot.External,
            DwAt.Inline => Slot.Inline,
            DwAt.AbstractOrigin => Slot.AbstractOrigin,
            DwAt.Specification => Slot.Specification,
            DwAt.Location => Slot.Location,
            DwAt.LowPc => Slot.LowPc,
            DwAt.Artificial => Slot.Artificial,
            DwAt.Language => Slot.Language,
            DwAt.Producer => Slot.Producer,
            DwAt.LoclistsBase => Slot.LoclistsBase,
            _ => Slot.None,
        };
    }

    /// <summary>Bytes of a form whose size does not depend on its data; -1 for the others.</summary>
    private static int FixedSize(DwForm form, in UnitHeader unit) => form switch
    {
        DwForm.FlagPresent or DwForm.ImplicitConst => 0,
        DwForm.Data1 or DwForm.Flag or DwForm.Ref1 or DwForm.Strx1 or DwForm.Addrx1 => 1,
        DwForm.Data2 or DwForm.Ref2 or DwForm.Strx2 or DwForm.Addrx2 => 2,
        DwForm.Strx3 or DwForm.Addrx3 => 3,
        DwForm.Data4 or DwForm.Ref4 or DwForm.Strx4 or DwForm.Addrx4 or DwForm.RefSup4 => 4,
        DwForm.Data8 or DwForm.Ref8 or DwForm.RefSig8 or DwForm.RefSup8 => 8,
        DwForm.Data16 => 16,
        DwForm.Addr => unit.AddressSize,
        DwForm.RefAddr => unit.Version <= 2 ? unit.AddressSize : unit.OffsetSize,
        DwForm.Strp or DwForm.LineStrp or DwForm.SecOffset or DwForm.StrpSup or DwForm.GnuRefAlt or DwForm.GnuStrpAlt => unit.OffsetSize,
        _ => -1,
    };
}
