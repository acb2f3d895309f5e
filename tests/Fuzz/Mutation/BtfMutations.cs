using System.Buffers.Binary;

namespace Fuzz.Mutation;

/// <summary>Mutations of BTF by words: ids, vlen, kinds, and whole runs of words, with the header made to agree.</summary>
internal static class BtfMutations
{
    private const int HeaderBytes = 24;

    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        if (random.Next(8) == 0 || TypesOf(input) is not { } types || types.Length < 12)
            return ByteMutations.Apply(input, other, random);
        var output = (byte[])input.Clone();
        for (var i = 1 << random.Next(4); i > 0; i--)
        {
            switch (random.Next(10))
            {
                case 0:
                    return Regrown(output, other, types, random);
                case 1:
                    ByteMutations.InPlace(output.AsSpan(0, HeaderBytes), random);
                    break;
                case 2:
                    ByteMutations.InPlace(output.AsSpan(types.End), random);
                    break;
                default:
                    MutateWord(output, types, random);
                    break;
            }
        }
        return output;
    }

    private static void MutateWord(byte[] output, Section types, Random random)
    {
        var at = output.AsSpan(types.Start + 4 * random.Next(types.Length / 4));
        var word = types.Read(at);
        types.Write(at, random.Next(8) switch
        {
            0 => word + 1,
            1 => word - 1,
            2 => word ^ 1u << random.Next(32),
            3 => (word & 0xe0ff_ffff) | (uint)random.Next(20) << 24,
            4 => (word & 0xffff_0000) | (uint)random.Next(8),
            5 or 6 => (uint)random.Next(types.Length / 12 + 2),
            _ => (uint)ByteMutations.Number(random, (ulong)types.Length),
        });
    }

    /// <summary>Words come, go, or are replaced by those of another blob; the strings move and the header says so.</summary>
    private static byte[] Regrown(byte[] input, byte[] other, Section types, Random random)
    {
        var start = types.Start + 4 * random.Next(types.Length / 4);
        var removed = random.Next(2) * 4 * random.Next(Math.Min(32, (types.End - start) / 4) + 1);
        var donor = random.Next(2) == 0 || TypesOf(other) is not { Length: >= 12 } others
            ? input.AsSpan(types.Start, types.Length)
            : other.AsSpan(others.Start, others.Length);
        var from = 4 * random.Next(donor.Length / 4);
        var inserted = donor.Slice(from, 4 * random.Next(Math.Min(random.Next(8) == 0 ? 4096 : 32, (donor.Length - from) / 4) + 1));
        var output = ByteMutations.Replaced(input, start, removed, inserted);
        var growth = (uint)(inserted.Length - removed);
        types.Write(output.AsSpan(12), types.Read(output.AsSpan(12)) + growth);
        types.Write(output.AsSpan(16), types.Read(output.AsSpan(16)) + growth);
        return output.Length <= ByteMutations.MaxBytes ? output : input;
    }

    private static Section? TypesOf(byte[] blob)
    {
        if (blob.Length < HeaderBytes)
            return null;
        var probe = new Section(blob[0] == 0xeb, 0, 0);
        var (headerLength, offset, length) = (probe.Read(blob.AsSpan(4)), probe.Read(blob.AsSpan(8)), probe.Read(blob.AsSpan(12)));
        var start = (ulong)headerLength + offset;
        return start >= HeaderBytes && start + length <= (ulong)blob.Length ? probe with { Start = (int)start, Length = (int)(length & ~3u) } : null;
    }

    private readonly record struct Section(bool BigEndian, int Start, int Length)
    {
        public int End => Start + Length;

        public uint Read(ReadOnlySpan<byte> at) => BigEndian ? BinaryPrimitives.ReadUInt32BigEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);

        public void Write(Span<byte> at, uint word)
        {
            if (BigEndian)
                BinaryPrimitives.WriteUInt32BigEndian(at, word);
            else
                BinaryPrimitives.WriteUInt32LittleEndian(at, word);
        }
    }
}
