using System.Buffers.Binary;

namespace Fuzz.Coverage;

/// <summary>
/// What was seen so far: for each block, which magnitudes of counts (1, 2, 3, 4–7, 8–15, 16–31, 32–127, more); and the
/// signatures of outcomes. An input that adds to it is worth keeping.
/// </summary>
internal sealed class Novelty
{
    private static readonly byte[] Magnitudes = [.. Enumerable.Range(0, 256).Select(MagnitudeOf)];
    private readonly HashSet<string> _signatures = new(StringComparer.Ordinal);
    private byte[] _seen = [];

    /// <summary>Blocks that ran at all.</summary>
    public int Blocks => _seen.AsSpan().Length - _seen.AsSpan().Count((byte)0);

    public int Signatures => _signatures.Count;

    /// <summary>Takes an execution in; true where something about it is new.</summary>
    public bool Add(byte[] counts, string signature)
    {
        if (_seen.Length < counts.Length)
            _seen = new byte[counts.Length];
        var isNew = _signatures.Add(signature);
        for (var i = 0; i < counts.Length; i += sizeof(ulong))
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(counts.AsSpan(i)) != 0)
                isNew |= AddEight(counts, i);
        }
        return isNew;
    }

    private bool AddEight(byte[] counts, int first)
    {
        var isNew = false;
        for (var i = first; i < first + sizeof(ulong); i++)
        {
            var magnitude = Magnitudes[counts[i]];
            isNew |= (_seen[i] & magnitude) != magnitude;
            _seen[i] |= magnitude;
        }
        return isNew;
    }

    private static byte MagnitudeOf(int count) => count switch
    {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
