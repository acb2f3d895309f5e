namespace Btf.Format;

/// <summary>BTF does not say how wide pointers are; in every Linux ABI they are as wide as <c>long</c>.</summary>
internal static class BtfPointerSize
{
    private const int Usual = 8;

    public static int Of(BtfBlob blob)
    {
        foreach (var type in blob.Types)
        {
            if (type.Kind == BtfKind.Int && (type.SizeOrType is 4 or 8) && blob.HasName(type.NameOffset) && IsLong(type.NameBytes))
                return (int)type.SizeOrType;
        }
        return blob.Base?.PointerSize ?? Usual;
    }

    /// <summary>The spellings of gcc and clang.</summary>
    private static bool IsLong(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("long"u8) || name.SequenceEqual("long int"u8)
        || name.SequenceEqual("unsigned long"u8) || name.SequenceEqual("long unsigned int"u8);
}
