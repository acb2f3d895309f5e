using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>
/// Names made unique in the order they are first written, in C's two namespaces: tags (struct, union, enum) and identifiers
/// (typedefs, enumerators).
/// </summary>
/// <param name="unique">False: names as they are, where a text is read by people and not compiled.</param>
internal sealed class CNames(BtfBlob blob, bool unique = true)
{
    private readonly Dictionary<ReadOnlyMemory<byte>, int> _tags = new(ByteEquality.Instance);
    private readonly Dictionary<ReadOnlyMemory<byte>, int> _identifiers = new(ByteEquality.Instance);
    private readonly int[] _occurrences = new int[unique ? blob.EndId : 0];

    public ReadOnlySpan<byte> Of(in BtfType type)
    {
        if (!unique || type.NameOffset == 0 || IsDeclaration(type))
            return type.NameBytes;
        ref var occurrence = ref _occurrences[type.Id];
        if (occurrence == 0)
            occurrence = Count(type.Kind == BtfKind.Typedef ? _identifiers : _tags, type.Blob.NameMemory(type.NameOffset));
        return Numbered(type.NameBytes, occurrence);
    }

    /// <summary>Of an enumerator, each time it is written another: those of two enums clash, and so do those of an enum written twice.</summary>
    public ReadOnlySpan<byte> Of(in BtfEnumerator enumerator) =>
        Numbered(enumerator.NameBytes, Count(_identifiers, enumerator.Blob.NameMemory(enumerator.NameOffset)));

    /// <summary>Declares, does not define: any number of them are one type.</summary>
    private static bool IsDeclaration(in BtfType type) => type.Kind == BtfKind.Fwd || (type.IsEnum && type.Vlen == 0);

    private static ReadOnlySpan<byte> Numbered(ReadOnlySpan<byte> name, int occurrence) => occurrence < 2 ? name
        : (byte[])[.. name, .. "___"u8, .. Encoding.ASCII.GetBytes(occurrence.ToString(CultureInfo.InvariantCulture))];

    private static int Count(Dictionary<ReadOnlyMemory<byte>, int> names, ReadOnlyMemory<byte> name) =>
        ++CollectionsMarshal.GetValueRefOrAddDefault(names, name, out _);
}
