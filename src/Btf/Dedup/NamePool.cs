using System.Numerics;
using System.Runtime.InteropServices;

namespace Btf.Dedup;

/// <summary>
/// Names as they stand in a string section, each once. A pool may continue another, as the strings of split BTF continue
/// those of its base: offsets go on where the base ends, and a name of the base is not stored again.
/// </summary>
internal sealed class NamePool
{
    private readonly NamePool? _base;
    private readonly List<byte> _bytes = [];

    /// <summary>Offset in <see cref="_bytes"/> plus one; 0 for a free slot.</summary>
    private uint[] _slots = new uint[1 << 8];
    private int _count;

    /// <summary>An empty pool. One without a base begins with the empty name, at offset 0.</summary>
    public NamePool(NamePool? basePool = null)
    {
        _base = basePool;
        Start = basePool?.End ?? 0;
        if (basePool is null)
            _bytes.Add(0);
    }

    /// <summary>The names of a string section, at the offsets they have there.</summary>
    /// <param name="strings">From its first byte, the empty name, to its last, a NUL.</param>
    public NamePool(ReadOnlySpan<byte> strings)
    {
        _bytes.AddRange(strings);
        for (var at = 1; at < strings.Length;)
        {
            var name = Text((uint)at);
            var slot = SlotOf(name);
            if (_slots[slot] == 0 && !name.IsEmpty)
                Register(slot, (uint)at);
            at += name.Length + 1;
        }
    }

    /// <summary>Offset of the first byte stored here.</summary>
    public uint Start { get; }

    public uint End => Start + (uint)_bytes.Count;

    /// <summary>What is stored here: each name with its NUL.</summary>
    public ReadOnlySpan<byte> Bytes => CollectionsMarshal.AsSpan(_bytes);

    /// <summary>Offset of a name; it is added where it is new.</summary>
    public uint Intern(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
            return 0;
        if (_base?.Find(name) is { } known)
            return known;
        var slot = SlotOf(name);
        if (_slots[slot] != 0)
            return Start + _slots[slot] - 1;
        var offset = (uint)_bytes.Count;
        _bytes.AddRange(name);
        _bytes.Add(0);
        Register(slot, offset);
        return Start + offset;
    }

    private void Register(int slot, uint offset)
    {
        _slots[slot] = offset + 1;
        if (++_count * 2 > _slots.Length)
            Grow();
    }

    /// <summary>The name at an offset of this pool or its base.</summary>
    public ReadOnlySpan<byte> this[uint offset] => offset < Start ? _base![offset] : Text(offset - Start);

    private uint? Find(ReadOnlySpan<byte> name)
    {
        if (_base?.Find(name) is { } known)
            return known;
        var slot = SlotOf(name);
        return _slots[slot] != 0 ? Start + _slots[slot] - 1 : null;
    }

    private ReadOnlySpan<byte> Text(uint offset)
    {
        var rest = Bytes[(int)offset..];
        return rest[..rest.IndexOf((byte)0)];
    }

    private int SlotOf(ReadOnlySpan<byte> name)
    {
        var slot = (int)HashOf(name) & (_slots.Length - 1);
        while (_slots[slot] != 0 && !Text(_slots[slot] - 1).SequenceEqual(name))
            slot = (slot + 1) & (_slots.Length - 1);
        return slot;
    }

    private static uint HashOf(ReadOnlySpan<byte> name)
    {
        var hash = 2166136261u;
        foreach (var b in name)
            hash = (hash ^ b) * 16777619;
        return hash ^ BitOperations.RotateLeft(hash, 15);
    }

    private void Grow()
    {
        var old = _slots;
        _slots = new uint[old.Length * 2];
        foreach (var entry in old)
        {
            if (entry != 0)
                _slots[SlotOf(Text(entry - 1))] = entry;
        }
    }
}
