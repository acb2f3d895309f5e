using System.Buffers.Binary;

namespace Archive.Extractor.Packages;

/// <summary>
/// The block format of LZ4 (<c>lz4_Block_format.md</c>): sequences of a token (four bits each of literal length and match
/// length), literals, and the 16-bit distance of a match of at least four bytes; the last one has literals only.
/// </summary>
internal static class Lz4Block
{
    private const int MinMatch = 4;

    /// <summary>Null if the block is decoded whole, else what is wrong with it.</summary>
    /// <param name="produced">Bytes written to <paramref name="output"/>, also in case of an error.</param>
    public static string? TryDecode(ReadOnlySpan<byte> input, Span<byte> output, out int produced)
    {
        var (at, to) = (0, 0);
        produced = 0;
        while (at < input.Length)
        {
            int token = input[at++];
            if (!TryLength(input, ref at, token >> 4, out var literals) || literals > input.Length - at)
                return "literals past the end of the block";
            if (literals > output.Length - to)
                return "a block larger than it may be";
            input.Slice(at, literals).CopyTo(output[to..]);
            at += literals;
            produced = to += literals;
            if (at == input.Length)
                return null;
            if (input.Length - at < 2)
                return "a distance cut off";
            var distance = BinaryPrimitives.ReadUInt16LittleEndian(input[at..]);
            at += 2;
            if (!TryLength(input, ref at, token & 15, out var length))
                return "a length cut off";
            length += MinMatch;
            if (distance == 0 || distance > to)
                return "a match before the start of the block";
            if (length > output.Length - to)
                return "a block larger than it may be";
            BackReference.Copy(output, to, distance, length);
            produced = to += length;
        }

        return "a block without its last literals";
    }

    /// <summary>Fifteen is continued by bytes that are added up, the last of which is not 255.</summary>
    private static bool TryLength(ReadOnlySpan<byte> input, ref int at, int nibble, out int length)
    {
        length = nibble;
        if (nibble < 15)
            return true;
        while (at < input.Length)
        {
            // The input has at most 8 MiB and a bit, so the sum stays below 2^31.
            var more = input[at++];
            length += more;
            if (more < 255)
                return true;
        }

        return false;
    }
}

/// <summary>What LZ77 formats have in common: the copy of bytes that were written before.</summary>
internal static class BackReference
{
    /// <summary>Copies from <paramref name="distance"/> bytes before; where the two overlap, what was just written is repeated. The caller has checked the bounds.</summary>
    public static void Copy(Span<byte> output, int to, int distance, int length)
    {
        if (distance == 1)
        {
            output.Slice(to, length).Fill(output[to - 1]);
            return;
        }

        // Each round doubles what can be copied without overlap.
        for (var from = to - distance; length > 0;)
        {
            var count = Math.Min(length, to - from);
            output.Slice(from, count).CopyTo(output[to..]);
            to += count;
            length -= count;
        }
    }
}
