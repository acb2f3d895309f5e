using System.Buffers;
using System.Text;
using Btf.Format;

namespace Btf.Text;

/// <summary>
/// One line per type and per entry, the very text of <c>bpftool btf dump file FILE format raw</c>: made to be compared
/// and searched with the tools people have for that.
/// </summary>
public static class RawDump
{
    private static readonly string[] KindNames =
    [
        "UNKNOWN", "INT", "PTR", "ARRAY", "STRUCT", "UNION", "ENUM", "FWD", "TYPEDEF", "VOLATILE", "CONST", "RESTRICT",
        "FUNC", "FUNC_PROTO", "VAR", "DATASEC", "FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64",
    ];

    /// <summary>The kind as the wire's documentation writes it, such as <c>FUNC_PROTO</c>.</summary>
    public static string KindName(BtfKind kind) => (int)kind < KindNames.Length ? KindNames[(int)kind] : KindNames[0];

    /// <summary>Writes the types stored in this blob, not those of its base.</summary>
    public static void Write(BtfBlob blob, TextWriter output)
    {
        foreach (var type in blob.Types)
            Write(type, output);
    }

    public static void Write(in BtfType type, TextWriter output)
    {
        output.Write($"[{type.Id}] {KindName(type.Kind)} ");
        WriteQuoted(type.NameBytes, output);
        WriteHead(type, output);
        WriteEntries(type, output);
        output.Write('\n');
    }

    private static void WriteHead(in BtfType type, TextWriter output)
    {
        switch (type.Kind)
        {
            case BtfKind.Int:
                output.Write($" size={type.SizeOrType} bits_offset={type.Int.BitOffset} nr_bits={type.Int.Bits} encoding={EncodingName(type.Int.Encoding)}");
                break;
            case BtfKind.Array:
                output.Write($" type_id={type.Array.ElementTypeId} index_type_id={type.Array.IndexTypeId} nr_elems={type.Array.ElementCount}");
                break;
            case BtfKind.Struct or BtfKind.Union or BtfKind.Datasec:
                output.Write($" size={type.SizeOrType} vlen={type.Vlen}");
                break;
            case BtfKind.Enum or BtfKind.Enum64:
                output.Write($" encoding={(type.KindFlag ? "SIGNED" : "UNSIGNED")} size={type.SizeOrType} vlen={type.Vlen}");
                break;
            case BtfKind.Fwd:
                output.Write($" fwd_kind={(type.KindFlag ? "union" : "struct")}");
                break;
            case BtfKind.Func:
                output.Write($" type_id={type.SizeOrType} linkage={LinkageName(type.Linkage)}");
                break;
            case BtfKind.Var:
                output.Write($" type_id={type.SizeOrType}, linkage={LinkageName(type.Linkage)}");
                break;
            case BtfKind.FuncProto:
                output.Write($" ret_type_id={type.SizeOrType} vlen={type.Vlen}");
                break;
            case BtfKind.Float:
                output.Write($" size={type.SizeOrType}");
                break;
            case BtfKind.DeclTag:
                output.Write($" type_id={type.SizeOrType} component_idx={type.ComponentIndex}");
                break;
            default:
                output.Write($" type_id={type.SizeOrType}");
                break;
        }
    }

    private static void WriteEntries(in BtfType type, TextWriter output)
    {
        switch (type.Kind)
        {
            case BtfKind.Struct or BtfKind.Union:
                WriteMembers(type, output);
                break;
            case BtfKind.Enum or BtfKind.Enum64:
                WriteEnumerators(type, output);
                break;
            case BtfKind.FuncProto:
                WriteParams(type, output);
                break;
            case BtfKind.Datasec:
                WriteDatasecEntries(type, output);
                break;
            default:
                break;
        }
    }

    private static void WriteMembers(in BtfType type, TextWriter output)
    {
        foreach (var member in type.Members)
        {
            output.Write("\n\t");
            WriteQuoted(member.NameBytes, output);
            output.Write($" type_id={member.TypeId} bits_offset={member.BitOffset}");
            if (member.BitfieldSize != 0)
                output.Write($" bitfield_size={member.BitfieldSize}");
        }
    }

    private static void WriteEnumerators(in BtfType type, TextWriter output)
    {
        var suffix = (type.Kind, type.KindFlag) switch
        {
            (BtfKind.Enum64, true) => "LL",
            (BtfKind.Enum64, false) => "ULL",
            _ => "",
        };
        foreach (var enumerator in type.Enumerators)
        {
            output.Write("\n\t");
            WriteQuoted(enumerator.NameBytes, output);
            output.Write(" val=");
            output.Write(type.KindFlag ? $"{enumerator.Value}{suffix}" : $"{enumerator.UnsignedValue}{suffix}");
        }
    }

    private static void WriteDatasecEntries(in BtfType type, TextWriter output)
    {
        foreach (var entry in type.DatasecEntries)
        {
            output.Write($"\n\ttype_id={entry.TypeId} offset={entry.ByteOffset} size={entry.ByteSize}");
            if (entry.TypeId >= type.Blob.EndId)
                continue;
            output.Write($" ({KindName(type.Blob[entry.TypeId].Kind)} ");
            WriteQuoted(type.Blob[entry.TypeId].NameBytes, output);
            output.Write(')');
        }
    }

    private static void WriteParams(in BtfType type, TextWriter output)
    {
        foreach (var param in type.Params)
        {
            output.Write("\n\t");
            WriteQuoted(param.NameBytes, output);
            output.Write($" type_id={param.TypeId}");
        }
    }

    /// <summary>Without a string for each name: a kernel has a million, and hostile BTF long ones.</summary>
    private static void WriteQuoted(ReadOnlySpan<byte> name, TextWriter output)
    {
        const int usual = 128;
        if (name.IsEmpty)
        {
            output.Write("'(anon)'");
            return;
        }
        var rented = name.Length > usual ? ArrayPool<char>.Shared.Rent(name.Length) : null;
        var text = rented ?? stackalloc char[usual];
        output.Write('\'');
        output.Write(text[..Encoding.UTF8.GetChars(name, text)]);
        output.Write('\'');
        if (rented is not null)
            ArrayPool<char>.Shared.Return(rented);
    }

    private static string EncodingName(BtfIntEncoding encoding) => encoding switch
    {
        BtfIntEncoding.None => "(none)",
        BtfIntEncoding.Signed => "SIGNED",
        BtfIntEncoding.Char => "CHAR",
        BtfIntEncoding.Bool => "BOOL",
        _ => "UNKN",
    };

    private static string LinkageName(BtfLinkage linkage) => linkage switch
    {
        BtfLinkage.Static => "static",
        BtfLinkage.Global => "global",
        BtfLinkage.Extern => "extern",
        _ => "(unknown)",
    };
}
