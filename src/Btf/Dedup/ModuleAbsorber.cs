using System.Runtime.InteropServices;
using Btf.Format;

namespace Btf.Dedup;

/// <summary>
/// Finds for each type of a module the equal one of a table, and adds the others. Equality is that of libbpf's
/// <c>btf__dedup</c> (its comments in <c>src/btf.c</c> say why): two structs are equal if all that can be reached from
/// them is, with cycles assumed to be; a forward declaration equals a struct of its name where one stands in the other's place.
/// <list type="number">
/// <item>what refers to nothing (integers, enums, declarations) is looked up;</item>
/// <item>structs and unions are compared with those that say the same, following references on both sides;</item>
/// <item>pointers and the like are looked up by what they refer to, now that it is known;</item>
/// <item>what is left gets new ids, in the module's order.</item>
/// </list>
/// </summary>
internal sealed class ModuleAbsorber
{
    /// <summary>Marks a reference to a type that is in the table already: the module is split BTF on it.</summary>
    private const uint InTable = 1u << 31;

    /// <summary>Longest chain of references without a struct that is looked up; longer ones are added as new.</summary>
    private const int MaxChain = 500;

    private readonly TypeTable _table;
    private readonly bool _typesOnly;
    private readonly List<uint> _words = [];
    private readonly List<int> _starts = [0, 0];

    /// <summary>For each type of the module, from 1 on, the equal one of the table; 0 where none is known.</summary>
    private readonly uint[] _map;
    private readonly bool[] _looked;
    private readonly uint[] _assumed;
    private readonly List<uint> _touched = [];
    private readonly Stack<(uint Own, uint Other)> _pairs = [];

    /// <param name="typesOnly">Leave variables and their sections out, and add a function only once.</param>
    public ModuleAbsorber(TypeTable table, BtfBlob module, bool typesOnly)
    {
        _table = table;
        _typesOnly = typesOnly;
        _map = new uint[module.TypeCount + 1];
        _looked = new bool[_map.Length];
        _assumed = new uint[_map.Length];
        Load(module);
    }

    private int Count => _map.Length - 1;

    public void Run()
    {
        for (uint own = 1; own <= Count; own++)
            FindPrimitive(own);
        for (uint own = 1; own <= Count; own++)
            FindComposite(own);
        for (uint own = 1; own <= Count; own++)
            FindReference(own, 0);
        AddRest();
    }

    private void Load(BtfBlob module)
    {
        var record = new List<uint>();
        foreach (var type in module.Types)
        {
            TypeTable.Read(type, _table.Names, record);
            var roles = RecordLayout.Of(type.Kind);
            for (var i = 0; i < record.Count; i++)
            {
                if (roles[i] == WordRole.Reference && record[i] != 0)
                    record[i] = Localize(module, record[i]);
            }
            _words.AddRange(record);
            _starts.Add(_words.Count);
        }
    }

    private static uint Localize(BtfBlob module, uint id)
    {
        if (id >= module.EndId)
            throw new BtfFormatException(BtfBlob.TypesSection, 0, id, "type id out of range");
        return id < module.FirstId ? id | InTable : id - module.FirstId + 1;
    }

    private Span<uint> Own(uint own) => CollectionsMarshal.AsSpan(_words)[_starts[(int)own].._starts[(int)own + 1]];

    private BtfKind KindOf(uint own) => BtfInfo.Kind(Own(own)[1]);

    private void FindPrimitive(uint own)
    {
        var record = Own(own);
        switch (BtfInfo.Kind(record[1]))
        {
            case BtfKind.Enum or BtfKind.Enum64 when record.Length == 3 && _table.OnlyDefinition(BtfInfo.Kind(record[1]), record[0]) is var definition and > 0:
                _map[own] = definition;
                break;
            case BtfKind.Int or BtfKind.Float or BtfKind.Enum or BtfKind.Enum64:
                _map[own] = _table.FindSame(record);
                break;
            case BtfKind.Fwd:
                _map[own] = _table.OnlyDefinition(FwdKind(record), record[0]) is var only and > 0 ? only : _table.FindSame(record);
                break;
        }
    }

    private static BtfKind FwdKind(ReadOnlySpan<uint> fwd) => BtfInfo.KindFlag(fwd[1]) ? BtfKind.Union : BtfKind.Struct;

    private void FindComposite(uint own)
    {
        if (_map[own] != 0 || KindOf(own) is not (BtfKind.Struct or BtfKind.Union))
            return;
        uint found = 0;
        foreach (var candidate in _table.WithHash(TypeTable.HashOf(Own(own), references: false)))
        {
            if (AreEqual(own, candidate))
                found = candidate;
        }
        if (found != 0)
            AssumeEqual(own, found);
    }

    private bool AreEqual(uint own, uint other)
    {
        var equal = Compare(own, other);
        foreach (var touched in _touched)
            _assumed[touched] = 0;
        return equal;
    }

    /// <summary>Settles what was assumed on the way, except where a struct of the module met a mere declaration.</summary>
    private void AssumeEqual(uint own, uint other)
    {
        Compare(own, other);
        foreach (var touched in _touched)
        {
            if (KindOf(touched) is BtfKind.Struct or BtfKind.Union && _table.KindOf(_assumed[touched]) != BtfKind.Fwd)
                _map[touched] = _assumed[touched];
            else if (KindOf(touched) == BtfKind.Fwd)
                _map[touched] = _assumed[touched];
            _assumed[touched] = 0;
        }
    }

    private bool Compare(uint own, uint other)
    {
        _touched.Clear();
        _pairs.Clear();
        _pairs.Push((own, other));
        while (_pairs.TryPop(out var pair))
        {
            if (!CompareOne(pair.Own, pair.Other))
                return false;
        }
        return true;
    }

    private bool CompareOne(uint own, uint other)
    {
        if (own == 0 || other == 0)
            return own == other;
        var known = (own & InTable) != 0 ? own & ~InTable : _map[own] != 0 ? _map[own] : _assumed[own];
        if (known != 0)
            return known == other || MayStandFor(_table[known], _table[other]);
        _assumed[own] = other;
        _touched.Add(own);
        var left = Own(own);
        var right = _table[other];
        var kind = BtfInfo.Kind(left[1]);
        if (kind != BtfInfo.Kind(right[1]))
            return MayStandFor(left, right);
        if (kind is BtfKind.Enum or BtfKind.Enum64 && left[0] == right[0] && left[0] != 0 && (left.Length == 3 || right.Length == 3))
            return true;
        return CompareWords(kind, left, right);
    }

    private bool CompareWords(BtfKind kind, ReadOnlySpan<uint> left, ReadOnlySpan<uint> right)
    {
        if (left.Length != right.Length)
            return false;
        var roles = RecordLayout.Of(kind);
        for (var i = 0; i < left.Length; i++)
        {
            if (roles[i] != WordRole.Reference && left[i] != right[i])
                return false;
        }
        for (var i = left.Length - 1; i >= 2; i--)
        {
            if (roles[i] == WordRole.Reference)
                _pairs.Push((left[i], right[i]));
        }
        return true;
    }

    /// <summary>
    /// One is the declaration of the other. Where the table declares what the module defines, libbpf keeps the first struct
    /// on the way to it twice and merges all others; we merge that one too.
    /// </summary>
    private static bool MayStandFor(ReadOnlySpan<uint> own, ReadOnlySpan<uint> other)
    {
        if (own[0] != other[0] || own[0] == 0)
            return false;
        var (a, b) = (BtfInfo.Kind(own[1]), BtfInfo.Kind(other[1]));
        return (a == BtfKind.Fwd && b == FwdKind(own)) || (b == BtfKind.Fwd && a == FwdKind(other));
    }

    /// <summary>The table's type that equals one that is told by its references; 0 where one of those is new.</summary>
    private uint FindReference(uint own, int depth)
    {
        if (own == 0 || (own & InTable) != 0)
            return own & ~InTable;
        var kind = KindOf(own);
        if (_map[own] != 0 || _looked[own] || !TypeTable.IsFoundByReferences(kind) || depth > MaxChain || (kind == BtfKind.Func && !_typesOnly))
            return _map[own];
        _looked[own] = true;
        var record = Own(own).ToArray();
        var roles = RecordLayout.Of(kind);
        for (var i = 2; i < record.Length; i++)
        {
            if (roles[i] != WordRole.Reference || record[i] == 0)
                continue;
            record[i] = FindReference(record[i], depth + 1);
            if (record[i] == 0)
                return 0;
        }
        return _map[own] = _table.FindSame(record);
    }

    private void AddRest()
    {
        var next = _table.EndId;
        for (uint own = 1; own <= Count; own++)
        {
            if (_map[own] == 0 && IsWanted(KindOf(own)))
            {
                _map[own] = next++;
                _looked[own] = false;
            }
            else
            {
                _looked[own] = true;
            }
        }
        for (uint own = 1; own <= Count; own++)
        {
            if (_looked[own])
                continue;
            var record = Own(own).ToArray();
            var roles = RecordLayout.Of(BtfInfo.Kind(record[1]));
            for (var i = 2; i < record.Length; i++)
            {
                if (roles[i] == WordRole.Reference && record[i] != 0)
                    record[i] = (record[i] & InTable) != 0 ? record[i] & ~InTable : _map[record[i]];
            }
            _table.Add(record);
        }
    }

    private bool IsWanted(BtfKind kind) => !_typesOnly || kind is not (BtfKind.Var or BtfKind.Datasec);
}
