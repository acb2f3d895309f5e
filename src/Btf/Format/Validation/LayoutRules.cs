namespace Btf.Format.Validation;

/// <summary>The sections: types, then strings, then the layout if there is one, without gaps up to the last byte.</summary>
internal static class LayoutRules
{
    // include/uapi/linux/btf.h: BTF_MAX_TYPE, BTF_MAX_NAME_OFFSET
    private const uint MaxTypeId = 0x000f_ffff;
    private const uint MaxNameOffset = 0x00ff_ffff;

    public static void Check(BtfBlob blob, BtfFindings findings)
    {
        void Finding(ulong value, string problem) => findings.Add(BtfRule.Layout, 0, value, problem);

        var header = blob.Header;
        if (header.Flags != 0)
            Finding(header.Flags, "header flags are not zero");
        if (header.Types.Length % 4 != 0)
            Finding((ulong)header.Types.Length, "length of the types is not a multiple of four");
        if (blob.TypeCount == 0 && blob.Base is null)
            Finding(0, "no types");
        if (blob.EndId > MaxTypeId)
            Finding(blob.EndId, "more types than ids");
        if (blob.EndNameOffset > MaxNameOffset)
            Finding(blob.EndNameOffset, "strings longer than name offsets reach");
        CheckGaps(blob, Finding);
    }

    private static void CheckGaps(BtfBlob blob, Action<ulong, string> finding)
    {
        var header = blob.Header;
        BtfSection[] sections = [header.Types, header.Strings, header.Layout];
        var end = header.Length;
        foreach (var section in sections.Where(section => section.Length > 0).OrderBy(section => section.Start))
        {
            if (section.Start != end)
                finding((ulong)section.Start, section.Start < end ? "sections overlap" : "a gap before a section");
            end = section.End;
        }
        if (end != blob.Bytes.Length)
            finding((ulong)blob.Bytes.Length, "bytes after the last section");
        if (header.Types.Length > 0 && header.Strings.Length > 0 && header.Types.Start > header.Strings.Start)
            finding((ulong)header.Strings.Start, "strings stand before the types");
    }
}
