namespace Btf.Format.Validation;

/// <summary>Which names are allowed where.</summary>
internal static class NameRules
{
    private enum Rule { Free, None, OptionalIdentifier, Identifier, Section, NotEmpty }

    // include/linux/kallsyms.h: KSYM_NAME_LEN, which here does not count the NUL
    private const int MaxLength = 512;

    /// <summary>Whether the name that a type of this kind has, at an offset within the strings, is one it may have.</summary>
    public static bool Allows(in BtfType type) => OfKind(type.Kind) switch
    {
        Rule.Free => true,
        Rule.None => type.NameOffset == 0,
        Rule.OptionalIdentifier => IsOptionalIdentifier(type.Blob, type.NameOffset),
        Rule.Identifier => type.NameOffset != 0 && IsIdentifier(type.NameBytes),
        Rule.Section => type.NameOffset != 0 && IsSection(type.NameBytes),
        _ => !type.NameBytes.IsEmpty,
    };

    public static bool IsOptionalIdentifier(BtfBlob blob, uint nameOffset) =>
        nameOffset == 0 || IsIdentifier(blob.NameBytes(nameOffset));

    /// <summary>A C identifier, in which a dot counts as a letter: compilers make such names (<c>foo.isra.0</c>).</summary>
    public static bool IsIdentifier(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Length > MaxLength || char.IsAsciiDigit((char)name[0]))
            return false;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit((char)c) && c != '_' && c != '.')
                return false;
        }
        return true;
    }

    private static bool IsSection(ReadOnlySpan<byte> name) =>
        !name.IsEmpty && name.Length <= MaxLength && !name.ContainsAnyExceptInRange((byte)' ', (byte)'~');

    private static Rule OfKind(BtfKind kind) => kind switch
    {
        BtfKind.Int or BtfKind.Float => Rule.Free,
        BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 => Rule.OptionalIdentifier,
        BtfKind.Fwd or BtfKind.Typedef or BtfKind.Func or BtfKind.Var => Rule.Identifier,
        BtfKind.Datasec => Rule.Section,
        BtfKind.DeclTag or BtfKind.TypeTag => Rule.NotEmpty,
        _ => Rule.None,
    };
}
