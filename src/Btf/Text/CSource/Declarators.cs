using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>
/// A type and the name it declares, as C writes them: base type first, then pointers to the left of the name, arrays and parameters to
/// the right, with parentheses where the order would say something else. A chain of types from the outside in
/// (<c>ARRAY → PTR → CONST → INT</c>) is read from its end.
/// </summary>
/// <param name="inPlace">Writes a struct, union or enum without name, given how deep it lies; its definition if null.</param>
internal sealed class Declarators(CText text, TypeLayout layout, CNames names, Action<BtfType, int>? inPlace = null)
{
    private readonly BtfBlob _blob = layout.Blob;

    /// <summary>Types from the outside in that are still to be written; a declaration takes those above its own mark.</summary>
    private readonly List<uint> _chain = [];

    /// <param name="name">What is declared; empty for a parameter without name.</param>
    /// <param name="level">Depth of braces.</param>
    /// <param name="depth">How many declarations are around this one.</param>
    public void Write(uint id, ReadOnlySpan<byte> name, int level, int depth)
    {
        var mark = _chain.Count;
        for (; IsLink(_blob[id].Kind); id = _blob[id].Reference(0))
        {
            text.Work.Enter(id, _chain.Count - mark);
            _chain.Add(id);
        }
        _chain.Add(id);
        WriteChain(mark, name, level, depth);
    }

    public void WriteTypedef(in BtfType type)
    {
        // Old gcc gives this one no type; the compiler's is meant.
        if (type.SizeOrType == 0 && type.NameBytes.SequenceEqual("__gnuc_va_list"u8))
        {
            text.Write("typedef __builtin_va_list __gnuc_va_list");
            return;
        }
        text.Write("typedef ");
        Write(type.SizeOrType, names.Of(type), 0, 0);
    }

    /// <summary>The definition of an enum, or the declaration that a FWD is.</summary>
    public void WriteTagDefinition(in BtfType type)
    {
        if (type.IsEnum)
            WriteEnum(type, 0);
        else
            WriteTag(type);
    }

    /// <summary><c>struct name</c>.</summary>
    public void WriteTag(in BtfType type)
    {
        text.Write(Keyword(type));
        if (type.NameOffset == 0)
            return;
        text.Write(" ");
        text.Write(names.Of(type));
    }

    /// <summary><c>struct name { … }</c>, attributes included.</summary>
    public void WriteBody(in BtfType type, int level, int depth = 0)
    {
        text.Work.Enter(type.Id, depth);
        var isPacked = type.Kind == BtfKind.Struct && layout.IsPacked(type);
        WriteTag(type);
        text.Write(" {");
        var end = WriteMembers(type, isPacked, level + 1, depth);
        if (type.Kind == BtfKind.Struct)
            Pad(level + 1, end, 8L * type.SizeOrType, layout.AlignmentOf(type.Id), inBitfield: false);
        if (type.Vlen != 0 || type.SizeOrType != 0)
            text.Line(level);
        text.Write(isPacked ? "} __attribute__((packed))" : "}");
    }

    /// <returns>First bit behind the last member.</returns>
    private long WriteMembers(in BtfType type, bool isPacked, int level, int depth)
    {
        var (end, afterBitfield) = (0L, false);
        foreach (var member in type.Members)
        {
            var alignment = isPacked ? 1 : layout.AlignmentOf(member.TypeId);
            Pad(level, end, member.BitOffset, alignment, afterBitfield && member.BitfieldSize != 0);
            text.Line(level);
            Write(member.TypeId, member.NameBytes, level, depth + 1);
            if (member.BitfieldSize != 0)
                WriteBitfieldSize(member.BitfieldSize);
            text.Write(";");
            afterBitfield = member.BitfieldSize != 0;
            end = member.BitOffset + (afterBitfield ? member.BitfieldSize : 8 * layout.SizeOf(member.TypeId));
        }
        return end;
    }

    private void WriteBitfieldSize(int bits)
    {
        text.Write(": ");
        text.Write(bits);
    }

    private void Pad(int level, long from, long to, int alignment, bool inBitfield) =>
        BitPadding.Write(text, level, from, to, alignment, inBitfield, _blob.PointerSize);

    private void WriteEnum(in BtfType type, int level)
    {
        WriteTag(type);
        if (type.Vlen == 0)
            return;
        text.Write(" {");
        foreach (var enumerator in type.Enumerators)
            WriteEnumerator(type, enumerator, level + 1);
        text.Line(level);
        text.Write("}");
        if (ModeOf(type) is { } mode)
            text.Write(mode);
    }

    private void WriteEnumerator(in BtfType type, in BtfEnumerator enumerator, int level)
    {
        text.Line(level);
        text.Write(names.Of(enumerator));
        text.Write(" = ");
        var wide = type.Kind == BtfKind.Enum64;
        if (type.KindFlag || !wide)
            text.Write(enumerator.Value);
        else
            text.Write(enumerator.UnsignedValue);
        text.Write((wide, type.KindFlag) switch { (true, true) => "LL,", (true, false) => "ULL,", _ => "," });
    }

    /// <summary>What makes an enum as small, or as large, as its values alone would not.</summary>
    private string? ModeOf(in BtfType type)
    {
        if (type.SizeOrType == 1)
            return " __attribute__((mode(byte)))";
        return type.SizeOrType == 8 && _blob.PointerSize == 8 && !HasWideValue(type) ? " __attribute__((mode(word)))" : null;
    }

    private static bool HasWideValue(in BtfType type)
    {
        foreach (var enumerator in type.Enumerators)
        {
            if (enumerator.UnsignedValue >> 32 != 0)
                return type.Kind == BtfKind.Enum64;
        }
        return false;
    }

    /// <summary>Writes what is on the chain above a mark, from its end.</summary>
    private void WriteChain(int mark, ReadOnlySpan<byte> name, int level, int depth)
    {
        var spaced = true; // no space is wanted between what was written and a '*' or a name
        while (Pop(mark, out var id))
        {
            var type = _blob[id];
            switch (type.Kind)
            {
                case BtfKind.Ptr:
                    text.Write(spaced ? "*" : " *");
                    spaced = true;
                    break;
                case BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict:
                    text.Write(Qualifier(type.Kind, before: false));
                    spaced = false;
                    break;
                case BtfKind.TypeTag:
                    WriteQualifiers(mark);
                    WriteTypeTag(type);
                    spaced = false;
                    break;
                case BtfKind.Array:
                    WriteArray(type, mark, name, level, depth, spaced);
                    return;
                case BtfKind.FuncProto:
                    WriteFunction(type, mark, name, level, depth, spaced);
                    return;
                default:
                    WriteQualifiers(mark);
                    WriteBase(type, level, depth);
                    spaced = false;
                    break;
            }
        }
        WriteName(name, spaced);
    }

    private void WriteBase(in BtfType type, int level, int depth)
    {
        if (type.NameOffset == 0 && (type.IsComposite || type.IsEnum))
            WriteInPlace(type, level, depth);
        else if (type.Kind is BtfKind.Int or BtfKind.Float)
            text.Write(type.NameBytes);
        else if (type.Kind == BtfKind.Void)
            text.Write("void");
        else if (type.Kind == BtfKind.Typedef)
            text.Write(names.Of(type));
        else
            WriteTag(type);
    }

    private void WriteInPlace(in BtfType type, int level, int depth)
    {
        if (inPlace is not null)
            inPlace(type, depth);
        else if (type.IsEnum)
            WriteEnum(type, level);
        else
            WriteBody(type, level, depth);
    }

    private void WriteTypeTag(in BtfType type)
    {
        text.Write(type.KindFlag ? " __attribute__((" : " __attribute__((btf_type_tag(\"");
        text.Write(type.NameBytes);
        text.Write(type.KindFlag ? "))" : "\")))");
    }

    private void WriteArray(in BtfType type, int mark, ReadOnlySpan<byte> name, int level, int depth, bool spaced)
    {
        DropQualifiers(mark);
        if (_chain.Count == mark)
        {
            WriteName(name, spaced);
        }
        else
        {
            if (!name.IsEmpty && !spaced)
                text.Write(" ");
            var isMatrix = _blob[_chain[^1]].Kind == BtfKind.Array;
            WriteInner(mark, name, level, depth, isMatrix ? "" : "(", isMatrix ? "" : ")");
        }
        text.Write("[");
        text.Write(type.Array.ElementCount);
        text.Write("]");
    }

    private void WriteFunction(in BtfType type, int mark, ReadOnlySpan<byte> name, int level, int depth, bool spaced)
    {
        DropQualifiers(mark);
        if (_chain.Count == mark)
            WriteName(name, spaced);
        else
            WriteInner(mark, name, level, depth, " (", ")");
        text.Write("(");
        WriteParams(type, level, depth);
        text.Write(")");
    }

    private void WriteInner(int mark, ReadOnlySpan<byte> name, int level, int depth, string open, string close)
    {
        text.Work.Enter(_chain[^1], depth);
        text.Write(open);
        WriteChain(mark, name, level, depth + 1);
        text.Write(close);
    }

    private void WriteParams(in BtfType type, int level, int depth)
    {
        text.Work.Enter(type.Id, depth);
        if (type.Vlen == 0 || (type.Vlen == 1 && type.Params[0].TypeId == 0))
        {
            text.Write("void");
            return;
        }
        for (var i = 0; i < type.Vlen; i++)
        {
            var param = type.Params[i];
            text.Write(i == 0 ? "" : ", ");
            if (param.TypeId == 0 && i == type.Vlen - 1)
                text.Write("...");
            else
                Write(param.TypeId, param.NameBytes, level, depth + 1);
        }
    }

    private void WriteName(ReadOnlySpan<byte> name, bool spaced)
    {
        if (!name.IsEmpty && !spaced)
            text.Write(" ");
        text.Write(name);
    }

    /// <summary>Qualifiers of a base type stand before it.</summary>
    private void WriteQualifiers(int mark)
    {
        for (; _chain.Count > mark && IsQualifier(_blob[_chain[^1]].Kind); _chain.RemoveAt(_chain.Count - 1))
            text.Write(Qualifier(_blob[_chain[^1]].Kind, before: true));
    }

    /// <summary>gcc repeats an element's qualifiers on its array, and marks functions that do not return as volatile: neither means anything here.</summary>
    private void DropQualifiers(int mark)
    {
        while (_chain.Count > mark && IsQualifier(_blob[_chain[^1]].Kind))
            _chain.RemoveAt(_chain.Count - 1);
    }

    private bool Pop(int mark, out uint id)
    {
        id = 0;
        if (_chain.Count == mark)
            return false;
        id = _chain[^1];
        _chain.RemoveAt(_chain.Count - 1);
        return true;
    }

    private static bool IsLink(BtfKind kind) => IsQualifier(kind) || kind is BtfKind.Ptr or BtfKind.Array or BtfKind.FuncProto or BtfKind.TypeTag;

    private static bool IsQualifier(BtfKind kind) => kind is BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict;

    private static string Qualifier(BtfKind kind, bool before) => (kind, before) switch
    {
        (BtfKind.Const, true) => "const ",
        (BtfKind.Const, false) => " const",
        (BtfKind.Volatile, true) => "volatile ",
        (BtfKind.Volatile, false) => " volatile",
        (_, true) => "restrict ",
        _ => " restrict",
    };

    private static string Keyword(in BtfType type) => type.Kind switch
    {
        BtfKind.Struct => "struct",
        BtfKind.Union => "union",
        BtfKind.Fwd => type.KindFlag ? "union" : "struct",
        _ => "enum",
    };
}
