using System.Text;
using Btf.Format;

namespace Btf.Text;

/// <summary>A type in one line, from the outside in: <c>PTR CONST STRUCT 'page'</c>.</summary>
internal static class TypePhrase
{
    // Enough to tell anonymous types apart; a line is read by people.
    private const int MaxDepth = 6;
    private const int MaxMembers = 8;
    private const int MaxLength = 1000;
    private const int MaxNameLength = 256;

    public static string Of(in BtfType type)
    {
        var phrase = new StringBuilder();
        Append(phrase, type, 0);
        return phrase.ToString();
    }

    private static void Append(StringBuilder phrase, in BtfType type, int depth)
    {
        phrase.Append(type.Id == 0 ? "void" : RawDump.KindName(type.Kind));
        if (type.NameOffset != 0)
            phrase.Append($" '{Shortened(type.Name)}'");
        var isNamedReference = depth > 0 && type.NameOffset != 0 && type.Kind != BtfKind.TypeTag;
        if (isNamedReference)
            return;
        if (depth >= MaxDepth || phrase.Length > MaxLength)
            phrase.Append(" …");
        else
            AppendParts(phrase, type, depth);
    }

    private static void AppendParts(StringBuilder phrase, in BtfType type, int depth)
    {
        switch (type.Kind)
        {
            case BtfKind.Array:
                phrase.Append($"[{type.Array.ElementCount}]");
                AppendReference(phrase, type, type.Array.ElementTypeId, depth);
                break;
            case BtfKind.Struct or BtfKind.Union:
                phrase.Append($" size={type.SizeOrType} vlen={type.Vlen}");
                AppendMembers(phrase, type);
                break;
            case BtfKind.Enum or BtfKind.Enum64:
                phrase.Append($" size={type.SizeOrType} vlen={type.Vlen}");
                AppendEnumerators(phrase, type);
                break;
            case BtfKind.FuncProto:
                AppendPrototype(phrase, type, depth);
                break;
            case BtfKind.Int or BtfKind.Float or BtfKind.Datasec:
                phrase.Append($" size={type.SizeOrType}");
                break;
            default:
                if (type.HasTypeId)
                    AppendReference(phrase, type, type.SizeOrType, depth);
                break;
        }
    }

    private static string Shortened(string name) => name.Length <= MaxNameLength ? name : $"{name.AsSpan(0, MaxNameLength)}…";

    private static void AppendReference(StringBuilder phrase, in BtfType type, uint id, int depth)
    {
        phrase.Append(' ');
        Append(phrase, type.Blob[id], depth + 1);
    }

    private static void AppendMembers(StringBuilder phrase, in BtfType type)
    {
        phrase.Append(" {");
        for (var i = 0; i < Math.Min(type.Vlen, MaxMembers); i++)
            phrase.Append($" {Shortened(type.Members[i].Name)}@{type.Members[i].BitOffset}");
        phrase.Append(type.Vlen > MaxMembers ? " … }" : " }");
    }

    private static void AppendEnumerators(StringBuilder phrase, in BtfType type)
    {
        phrase.Append(" {");
        for (var i = 0; i < Math.Min(type.Vlen, MaxMembers); i++)
            phrase.Append($" {Shortened(type.Enumerators[i].Name)}={type.Enumerators[i].Value}");
        phrase.Append(type.Vlen > MaxMembers ? " … }" : " }");
    }

    private static void AppendPrototype(StringBuilder phrase, in BtfType type, int depth)
    {
        phrase.Append(" (");
        for (var i = 0; i < Math.Min(type.Vlen, MaxMembers); i++)
        {
            var param = type.Params[i];
            phrase.Append(i == 0 ? "" : ", ");
            Append(phrase, type.Blob[param.TypeId], depth + 1);
            phrase.Append(param.NameOffset == 0 ? "" : $" {Shortened(param.Name)}");
        }
        phrase.Append(type.Vlen > MaxMembers ? ", …)" : ")");
        AppendReference(phrase, type, type.SizeOrType, depth);
    }
}
