using System.Runtime.CompilerServices;
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

    /// <summary>btf_type_tag or btf_decl_tag on the type, member or variable it stands in.</summary>
    Annotation,
}

/// <summary>Attributes that the converter looks at, as indexes into the fields of a DIE.</summary>
internal enum Slot : byte
{
    Name,
    Type,
    ByteSize,
    Declaration,
    Encoding,
    MemberLocation,
    BitSize,
    DataBitOffset,
    BitOffset,
    ConstValue,
    UpperBound,
    Count,
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
    StrOffsetsBase,
    AddrBase,
    LoclistsBase,
    DeclFile,
    Signature,
    StmtList,
    Ranges,
    SlotCount,
    None = 0xff,
}

/// <summary>Where the value of an attribute is and how it is written; <see cref="Form"/> 0 where the DIE has no such attribute.</summary>
/// <param name="At">Bytes from the origin of the DIE's fields; for DW_FORM_implicit_const an index into the table's constants.</param>
internal readonly record struct Field(int At, DwForm Form);

/// <summary>One step of reading a DIE whose layout depends on its data: skip a number of bytes, then read one attribute form (into a slot, or past it).</summary>
internal readonly record struct AttributeStep(int SkipBefore, DwForm Form, Slot Slot, int Constant);

/// <summary>How the attributes of an abbreviation lie in the data.</summary>
internal enum DieLayout : byte
{
    /// <summary>All forms have a fixed size: every field stands at a known distance.</summary>
    Fixed,

    /// <summary>The name comes first, as a string in the data; everything behind it is fixed.</summary>
    NameThenFixed,

    /// <summary>Read attribute by attribute.</summary>
    Variable,
}

/// <summary>One abbreviation, compiled.</summary>
/// <param name="FixedSize">Bytes of the attributes, behind the name where that comes first; unused for a variable layout.</param>
internal readonly record struct Abbrev(DwTag Tag, bool HasChildren, DieRole Role, DieLayout Layout, int FixedSize, int FirstStep, int StepCount, int SkipAfter);

/// <summary>
/// The abbreviations of a unit (DWARF 5 §7.5.3), compiled for its address and offset size: most DIEs that compilers write
/// have only forms of fixed size, and are read at known distances without looking at the attributes in between. One object
/// is loaded again and again.
/// </summary>
internal sealed class AbbrevTable
{
    /// <summary>Codes below this are looked up in an array; compilers number from 1.</summary>
    private const int DenseCodes = 1 << 16;

    /// <summary>Bytes of abbreviations that one reader loads in all: every unit has a table of its own, or neighbours share one.</summary>
    private const int MaxLoads = 16;
    private const long AlwaysLoadedBytes = 1 << 20;

    private readonly Dictionary<ulong, int> _sparse = [];
    private readonly List<long> _constants = [];
    private int[] _dense = new int[256];
    private int _highestDense;
    private Abbrev[] _abbrevs = new Abbrev[256];
    private Field[] _fields = new Field[256 * (int)Slot.SlotCount];
    private AttributeStep[] _steps = new AttributeStep[1024];
    private int _count;
    private int _stepCount;
    private Identity? _loaded;
    private long _loadedBytes;

    /// <summary>Some attribute that we look at refers across units (DW_FORM_ref_addr, ref_sig8 or one of a supplementary file).</summary>
    public bool RefersAcrossUnits { get; private set; }

    public ReadOnlySpan<AttributeStep> Steps(in Abbrev abbrev) => _steps.AsSpan(abbrev.FirstStep, abbrev.StepCount);

    public ReadOnlySpan<Field> Fields(int index) => _fields.AsSpan(index * (int)Slot.SlotCount, (int)Slot.SlotCount);

    public long Constant(int index) => _constants[index];

    /// <summary>Index of an abbreviation by its code, for <see cref="this"/>; -1 where the table has none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int IndexOf(ulong code) => (code < (ulong)_dense.Length ? _dense[code] : Sparse(code)) - 1;

    private int Sparse(ulong code) => _sparse.GetValueOrDefault(code);

    public ref readonly Abbrev this[int index] => ref _abbrevs[index];

    public static AbbrevTable Parse(ReadOnlySpan<byte> section, in UnitHeader unit, EndianReader endian)
    {
        var table = new AbbrevTable();
        table.Load(section, unit, endian);
        return table;
    }

    /// <summary>What decides how a table reads; units that agree in it can share one.</summary>
    internal readonly record struct Identity(UnitSpace Space, long Offset, ushort Version, byte AddressSize, byte OffsetSize)
    {
        public static Identity Of(in UnitHeader unit) => new(unit.Space, unit.AbbrevOffset, unit.Version, unit.AddressSize, unit.OffsetSize);
    }

    /// <summary>Forgets what was loaded, and loads the table of a unit, unless it is there already.</summary>
    public void Load(ReadOnlySpan<byte> section, in UnitHeader unit, EndianReader endian)
    {
        if (_loaded == Identity.Of(unit))
            return;
        _loaded = null;
        Clear();
        if (unit.AbbrevOffset >= section.Length)
            throw new DwarfFormatException(".debug_info", unit.Offset, (ulong)unit.AbbrevOffset, "abbreviation offset past .debug_abbrev");
        var reader = new DwarfReader(section[(int)unit.AbbrevOffset..], ".debug_abbrev", unit.AbbrevOffset, endian);
        for (var code = reader.Uleb(); code != 0; code = reader.Uleb())
            Add(code, ref reader, unit);
        _loadedBytes += reader.Position;
        if (_loadedBytes > (long)MaxLoads * section.Length + AlwaysLoadedBytes)
            throw reader.Error($"units share abbreviations such that they would be read more than {MaxLoads} times", (ulong)_loadedBytes);
        _loaded = Identity.Of(unit);
    }

    private void Clear()
    {
        Array.Clear(_dense, 0, Math.Min(_dense.Length, _highestDense + 1));
        _sparse.Clear();
        _constants.Clear();
        (_count, _stepCount, _highestDense, RefersAcrossUnits) = (0, 0, 0, false);
    }

    private void Add(ulong code, ref DwarfReader reader, in UnitHeader unit)
    {
        var tag = reader.Uleb();
        var hasChildren = reader.U8();
        if (tag > ushort.MaxValue || hasChildren > 1)
            throw reader.Error("malformed abbreviation", tag);
        if (_count == _abbrevs.Length)
            Grow();
        var role = RoleOf((DwTag)tag);
        var fields = _fields.AsSpan(_count * (int)Slot.SlotCount, (int)Slot.SlotCount);
        fields.Clear();
        var layout = DieLayout.Fixed;
        int firstStep = _stepCount, skip = 0, size = 0;
        for (var first = true; ; first = false)
        {
            var at = reader.Uleb();
            var form = reader.Uleb();
            if (at == 0 && form == 0)
                break;
            if (at > ushort.MaxValue || form > ushort.MaxValue)
                throw reader.Error("attribute or form out of range", at > ushort.MaxValue ? at : form);
            var constant = (DwForm)form == DwForm.ImplicitConst ? AddConstant(reader.Sleb()) : 0;
            var slot = SlotOf((DwAt)at, role);
            var bytes = FixedSize((DwForm)form, unit);
            if (bytes < 0)
                layout = first && (DwForm)form == DwForm.String && slot is Slot.Name or Slot.None ? DieLayout.NameThenFixed : DieLayout.Variable;
            if (slot != Slot.None)
            {
                fields[(int)slot] = new Field((DwForm)form == DwForm.ImplicitConst ? constant : size, (DwForm)form);
                RefersAcrossUnits |= (DwForm)form is DwForm.RefAddr or DwForm.RefSig8 or DwForm.GnuRefAlt or DwForm.RefSup4 or DwForm.RefSup8;
            }
            if (size > int.MaxValue - 64 || skip > int.MaxValue - 64)
                throw reader.Error("abbreviation too long", code);
            size += Math.Max(bytes, 0);
            if (slot == Slot.None && bytes >= 0)
            {
                skip += bytes;
                continue;
            }
            AddStep(new AttributeStep(skip, (DwForm)form, slot, constant));
            skip = 0;
        }
        _abbrevs[_count] = new Abbrev((DwTag)tag, hasChildren == 1, role, layout, size, firstStep, _stepCount - firstStep, skip);
        Register(code, ++_count);
    }

    private int AddConstant(long value)
    {
        _constants.Add(value);
        return _constants.Count - 1;
    }

    private void AddStep(AttributeStep step)
    {
        if (_stepCount == _steps.Length)
            Array.Resize(ref _steps, _stepCount * 2);
        _steps[_stepCount++] = step;
    }

    private void Grow()
    {
        Array.Resize(ref _abbrevs, _count * 2);
        Array.Resize(ref _fields, _abbrevs.Length * (int)Slot.SlotCount);
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
        _highestDense = Math.Max(_highestDense, (int)code);
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
        DwTag.LlvmAnnotation => DieRole.Annotation,
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
            DwAt.Ranges => Slot.Ranges,
            DwAt.Artificial => Slot.Artificial,
            DwAt.Language => Slot.Language,
            DwAt.Producer => Slot.Producer,
            DwAt.StrOffsetsBase => Slot.StrOffsetsBase,
            DwAt.AddrBase => Slot.AddrBase,
            DwAt.LoclistsBase => Slot.LoclistsBase,
            DwAt.DeclFile => Slot.DeclFile,
            DwAt.Signature => Slot.Signature,
            DwAt.StmtList => Slot.StmtList,
            _ => Slot.None,
        };
    }

    /// <summary>Bytes of a form whose size does not depend on its data; -1 for the others.</summary>
    public static int FixedSize(DwForm form, in UnitHeader unit) => form switch
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
