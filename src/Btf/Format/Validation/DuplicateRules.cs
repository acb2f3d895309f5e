using System.Numerics;

namespace Btf.Format.Validation;

/// <summary>
/// Equal types have equal records once equal strings have equal offsets, so both are looked for as bytes.
/// VAR and DATASEC stand for objects, not types, and may repeat.
/// </summary>
internal static class DuplicateRules
{
    public static void Check(BtfBlob blob, BtfFindings findings)
    {
        CheckStrings(blob, findings);
        CheckTypes(blob, findings);
    }

    private static void CheckStrings(BtfBlob blob, BtfFindings findings)
    {
        var strings = blob.Strings;
        var seen = new Slices(strings, strings.Count((byte)0));
        for (var at = 0; at < strings.Length && !findings.Full;)
        {
            var length = strings[at..].IndexOf((byte)0);
            if (seen.Add(at, length) >= 0)
                findings.Add(BtfRule.Duplicate, 0, (ulong)at, $"string '{blob.Name(blob.FirstNameOffset + (uint)at)}' is stored twice");
            at += length + 1;
        }
    }

    private static void CheckTypes(BtfBlob blob, BtfFindings findings)
    {
        var seen = new Slices(blob.Bytes.Span, blob.TypeCount);
        foreach (var type in blob.Types)
        {
            if (type.Kind is BtfKind.Var or BtfKind.Datasec)
                continue;
            if (findings.Full)
                return;
            var same = seen.Add(type.Offset, blob.Record(type).Length);
            if (same < 0)
                continue;
            var id = blob.FirstId + (uint)blob.Offsets.BinarySearch(same);
            findings.Add(BtfRule.Duplicate, type, id, $"'{type.Name}' is the same as type {id}");
        }
    }

    /// <summary>Slices of some bytes, each content once.</summary>
    /// <param name="count">How many there are at most.</param>
    private readonly ref struct Slices(ReadOnlySpan<byte> bytes, int count)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        /// <summary>At most half of them are taken; End 0 marks a free one.</summary>
        private readonly (int Start, int End)[] _slots = new (int, int)[BitOperations.RoundUpToPowerOf2((uint)count * 2 + 1)];

        /// <returns>Where an equal slice stands that was added before, or -1.</returns>
        public int Add(int start, int length)
        {
            var slice = _bytes.Slice(start, length);
            var hash = new HashCode();
            hash.AddBytes(slice);
            // One past the end as well, for an empty slice at 0 must not look like a free slot.
            var end = start + length + 1;
            for (var slot = hash.ToHashCode() & (_slots.Length - 1); ; slot = (slot + 1) & (_slots.Length - 1))
            {
                var (knownStart, knownEnd) = _slots[slot];
                if (knownEnd == 0)
                {
                    _slots[slot] = (start, end);
                    return -1;
                }
                if (knownEnd - knownStart == end - start && _bytes.Slice(knownStart, length).SequenceEqual(slice))
                    return knownStart;
            }
        }
    }
}
