using Btf.Format;

namespace Btf.CoRe;

/// <summary>One step of an access that people would write: a named member of a composite, or an index.</summary>
/// <param name="TypeId">The composite, or the element's type.</param>
/// <param name="Index">Of the member, the element or the enumerator.</param>
/// <param name="NameOffset">Of the member or enumerator, 0 for an index.</param>
public readonly record struct CoreAccessor(uint TypeId, int Index, uint NameOffset)
{
    public bool IsNamed => NameOffset != 0;
}

/// <summary>
/// An access, twice: step by step through every member, anonymous ones included (<see cref="Path"/>), and by the steps that have
/// a name or an index (<see cref="Accessors"/>), of which alone the target has to have the like. <c>s->a[3]</c>, <c>a</c> being
/// in an anonymous struct, is the path 0:1:2:3 and the accessors [0], a, [3].
/// </summary>
public sealed class CoreSpec
{
    /// <summary>Most steps of a path (<c>BPF_CORE_SPEC_MAX_LEN</c>).</summary>
    public const int MaxLength = 64;

    private readonly int[] _path = new int[MaxLength];
    private readonly CoreAccessor[] _accessors = new CoreAccessor[MaxLength];
    private int _pathLength;
    private int _length;

    /// <summary>Where its types are: the object, the kernel or a module.</summary>
    public BtfBlob Btf { get; private set; } = null!;
    public CoreRelocationKind Kind { get; private set; }
    public uint RootTypeId { get; private set; }

    /// <summary>From the root type's first bit.</summary>
    public uint BitOffset { get; internal set; }

    public ReadOnlySpan<int> Path => _path.AsSpan(0, _pathLength);
    public ReadOnlySpan<CoreAccessor> Accessors => _accessors.AsSpan(0, _length);
    internal bool IsFull => _pathLength == MaxLength;

    internal void Begin(BtfBlob btf, CoreRelocationKind kind, uint rootTypeId)
    {
        (Btf, Kind, RootTypeId) = (btf, kind, rootTypeId);
        (_pathLength, _length, BitOffset) = (0, 0, 0);
    }

    internal void Step(int index) => _path[_pathLength++] = index;

    internal void Add(in CoreAccessor accessor) => _accessors[_length++] = accessor;

    /// <summary>The state to which <see cref="Return"/> goes back.</summary>
    internal (int, int, uint) Mark => (_pathLength, _length, BitOffset);

    internal void Return((int PathLength, int Length, uint BitOffset) mark) => (_pathLength, _length, BitOffset) = mark;

    internal void CopyTo(CoreSpec other)
    {
        other.Begin(Btf, Kind, RootTypeId);
        Path.CopyTo(other._path);
        Accessors.CopyTo(other._accessors);
        (other._pathLength, other._length, other.BitOffset) = Mark;
    }
}
