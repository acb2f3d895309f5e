using System.Runtime.CompilerServices;
using Archive.Extractor.Conversion;
using Btf.Format;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// The names in <c>.debug_str</c>, hashed once each: linkers merge that section, so that one name is met a hundred
/// thousand times at one offset. Shared by all workers; what was added is never changed.
/// </summary>
internal sealed class NameTable
{
    private readonly byte[] _text;

    /// <summary>Offset plus one of the name in each slot; 0 for a free one.</summary>
    private readonly uint[] _offsets;
    private readonly ulong[] _hashes;
    private readonly int _shift;
    private readonly int _capacity;
    private readonly Lock _adding = new();
    private int _count;

    public NameTable(byte[] text)
    {
        _text = text;
        var strings = text.AsSpan().Count((byte)0);
        var bits = 32 - System.Numerics.BitOperations.LeadingZeroCount((uint)Math.Max(strings, 1 << 9));
        (_offsets, _hashes, _shift) = (new uint[2 << bits], new ulong[2 << bits], 31 - bits);
        _capacity = (2 << bits) / 4 * 3;
    }

    /// <summary>Hash of the name at an offset, 0 for the empty one. False where the table is full: names that begin inside others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryHashAt(uint offset, out ulong hash)
    {
        for (var slot = (offset * 0x9e37_79b1u) >> _shift; ; slot = (slot + 1) & (uint)(_offsets.Length - 1))
        {
            var known = Volatile.Read(ref _offsets[slot]);
            if (known == offset + 1)
            {
                hash = _hashes[slot];
                return true;
            }
            if (known == 0)
                return TryAdd(offset, out hash);
        }
    }

    private bool TryAdd(uint offset, out ulong hash)
    {
        var text = NameReader.Terminated(_text, offset, ".debug_str");
        hash = text.IsEmpty ? 0 : Hash64.Of(text);
        lock (_adding)
        {
            if (_count == _capacity)
                return false;
            var slot = (offset * 0x9e37_79b1u) >> _shift;
            while (_offsets[slot] != 0 && _offsets[slot] != offset + 1)
                slot = (slot + 1) & (uint)(_offsets.Length - 1);
            if (_offsets[slot] != 0)
                return true;
            _count++;
            _hashes[slot] = hash;
            Volatile.Write(ref _offsets[slot], offset + 1);
        }
        return true;
    }

    /// <summary>Where each hashed name stands.</summary>
    public Dictionary<ulong, uint> Offsets()
    {
        var offsets = new Dictionary<ulong, uint>(_count);
        for (var slot = 0; slot < _offsets.Length; slot++)
        {
            if (_offsets[slot] != 0)
                offsets.TryAdd(_hashes[slot], _offsets[slot] - 1);
        }
        return offsets;
    }
}

/// <summary>How a name in <c>.debug_str</c> gets its identity.</summary>
internal enum NameIdentity
{
    /// <summary>By its offset: right where the linker merged equal strings, which <see cref="BtfEmitter"/> finds out.</summary>
    Offset,

    /// <summary>By its text.</summary>
    Content,
}

/// <summary>
/// Gives names their identities, of 64 bits, and keeps the text of those that are not in <c>.debug_str</c>. One per worker.
/// Most names are met in hundreds of units: looking none of them up saves a sixth of the whole conversion.
/// </summary>
internal sealed class NameReader(DebugSections sections, NameTable table, NameIdentity identity)
{
    /// <summary>Hashes that were kept lately, so that most names need no look into the dictionary.</summary>
    private readonly ulong[] _recent = new ulong[1 << 10];

    /// <summary>The text of the names from elsewhere than <c>.debug_str</c>, by hash.</summary>
    public Dictionary<ulong, byte[]> Kept { get; } = [];

    /// <summary>Identity of the name of a type, member, enumerator or parameter; 0 for none.</summary>
    /// <exception cref="DwarfFormatException">The offset is outside its section, or the string does not end in it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong IdentityOf(NameRef name, in DieReader die)
    {
        if (name.IsNone)
            return 0;
        return identity == NameIdentity.Offset && name.Section == NameRef.DebugStr && name.Offset < (ulong)sections.Str.Length
            ? Hash64.Spread(name.Offset + 1)
            : HashOf(name, die);
    }

    /// <summary>Hash of the text of a name, whichever way others get theirs; 0 for none and for the empty one.</summary>
    /// <inheritdoc cref="IdentityOf"/>
    public ulong HashOf(NameRef name, in DieReader die)
    {
        if (name.IsNone)
            return 0;
        return name.Section == NameRef.DebugStr && name.Offset < uint.MaxValue && table.TryHashAt((uint)name.Offset, out var hash)
            ? hash
            : Keep(TextOf(name, die.Bytes, die.UnitOffset));
    }

    /// <param name="unit">Bytes of the unit that the name stands in.</param>
    public ReadOnlySpan<byte> TextOf(NameRef name, ReadOnlySpan<byte> unit, long unitOffset)
    {
        if (name.IsNone)
            return default;
        return name.Section switch
        {
            NameRef.DebugStr => Terminated(sections.Str, name.Offset, ".debug_str"),
            NameRef.DebugLineStr => Terminated(sections.LineStr, name.Offset, ".debug_line_str"),
            NameRef.Supplementary => Terminated(sections.SupplementaryNames(), name.Offset, ".debug_str"),
            _ => Terminated(unit, name.Offset, ".debug_info", unitOffset),
        };
    }

    /// <summary>Hash of a name; its text is kept for the output.</summary>
    public ulong Keep(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            return 0;
        var hash = Hash64.Of(text);
        ref var recent = ref _recent[hash & (ulong)(_recent.Length - 1)];
        if (recent == hash)
            return hash;
        recent = hash;
        if (!Kept.ContainsKey(hash))
            Kept.Add(hash, text.ToArray());
        return hash;
    }

    /// <summary>Longest name that is taken, in bytes: names may overlap, so that those of many DIEs would be one long string. What makes BTF takes no longer one.</summary>
    private const int MaxNameBytes = BtfBlob.MaxNameBytes;

    /// <summary>The NUL-terminated string at an offset of a section.</summary>
    public static ReadOnlySpan<byte> Terminated(ReadOnlySpan<byte> section, ulong offset, string name, long origin = 0)
    {
        if (offset >= (ulong)section.Length)
            throw new DwarfFormatException(name, origin + (long)Math.Min(offset, long.MaxValue >> 1), offset, "string offset past the section");
        var rest = section[(int)offset..];
        var end = rest[..Math.Min(rest.Length, MaxNameBytes + 1)].IndexOf((byte)0);
        return end >= 0 ? rest[..end]
            : throw new DwarfFormatException(name, origin + (long)offset, null, rest.Length > MaxNameBytes ? $"string longer than {MaxNameBytes} bytes" : "string not terminated");
    }
}
