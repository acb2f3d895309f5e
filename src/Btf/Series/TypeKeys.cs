using System.Buffers.Binary;
using Btf.Dedup;

namespace Btf.Series;

/// <summary>
/// Keys by which types and strings of two blobs are aligned: a type with a name is its kind and name, whatever is in it; one without is what it
/// consists of, two references deep. Two of a key need not be the same: keys guide, and records are compared.
/// </summary>
internal static class TypeKeys
{
    private const ulong Secret = 0xd6e8_feb8_6659_fd93, Multiplier = 0x9e37_79b9_7f4a_7c15;
    private const int Depth = 2;

    public static ulong[] OfStrings(BtfParts parts)
    {
        var keys = new ulong[parts.StringCount];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = Of(parts.Text(i));
        return keys;
    }

    public static ulong[] OfTypes(BtfParts parts, ulong[] strings)
    {
        var keys = new ulong[parts.TypeCount];
        for (var round = 0; round <= Depth; round++)
        {
            var deeper = new ulong[keys.Length];
            for (var i = 0; i < keys.Length; i++)
                deeper[i] = OfType(parts, i, strings, round == 0 ? null : keys);
            keys = deeper;
        }
        return keys;
    }

    /// <param name="types">Of what it refers to; null to leave that out.</param>
    private static ulong OfType(BtfParts parts, int type, ulong[] strings, ulong[]? types)
    {
        var record = parts[type];
        if (record[0] != 0)
            return Mix(strings[parts.StringIndex(record[0])], (ulong)record.Kind);
        var key = Mix(record[1], 0);
        for (var i = 2; i < record.Length; i++)
        {
            key = record.Role(i) switch
            {
                WordRole.Name => Mix(key, strings[parts.StringIndex(record[i])]),
                WordRole.Value => Mix(key, record[i]),
                _ => types is null ? key : Mix(key, record[i] is > 0 and var id && id <= (uint)types.Length ? types[id - 1] : 0),
            };
        }
        return key;
    }

    private static ulong Of(ReadOnlySpan<byte> text)
    {
        var key = (ulong)text.Length;
        for (; text.Length >= sizeof(ulong); text = text[sizeof(ulong)..])
            key = Mix(key, BinaryPrimitives.ReadUInt64LittleEndian(text));
        foreach (var rest in text)
            key = Mix(key, rest);
        return key;
    }

    private static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a ^ Secret, b ^ Multiplier, out var low);
        return high ^ low;
    }
}
