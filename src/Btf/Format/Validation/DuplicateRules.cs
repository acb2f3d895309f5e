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
        var strings = blob.Bytes.Slice(blob.Header.Strings.Start, blob.Header.Strings.Length);
        var seen = new HashSet<ReadOnlyMemory<byte>>(ByteEquality.Instance);
        for (var at = 0; at < strings.Length && !findings.Full;)
        {
            var length = strings.Span[at..].IndexOf((byte)0);
            if (!seen.Add(strings.Slice(at, length)))
                findings.Add(BtfRule.Duplicate, 0, (ulong)at, $"string '{blob.Name(blob.FirstNameOffset + (uint)at)}' is stored twice");
            at += length + 1;
        }
    }

    private static void CheckTypes(BtfBlob blob, BtfFindings findings)
    {
        var seen = new Dictionary<ReadOnlyMemory<byte>, uint>(blob.TypeCount, ByteEquality.Instance);
        foreach (var type in blob.Types)
        {
            if (type.Kind is BtfKind.Var or BtfKind.Datasec)
                continue;
            if (findings.Full)
                return;
            if (!seen.TryAdd(blob.Record(type), type.Id))
                findings.Add(BtfRule.Duplicate, type, seen[blob.Record(type)], $"'{type.Name}' is the same as type {seen[blob.Record(type)]}");
        }
    }
}
