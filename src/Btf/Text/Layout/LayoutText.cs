using System.Globalization;
using Btf.Text.CSource;

namespace Btf.Text.Layout;

/// <summary>
/// A layout as <c>pahole</c> prints it: C with offset and size beside each member, holes, cache lines and a summary. The numbers are pahole's;
/// declarations are C that compiles, the size of a union is told, and alignments that BTF does not store are not guessed at.
/// </summary>
public static class LayoutText
{
    private const int CommentColumn = 58;

    /// <param name="head">What stands before the brace: <c>struct page</c>, <c>typedef struct</c>.</param>
    /// <param name="name">What stands behind it: the name of a typedef, a space before it; else empty.</param>
    public static void Write(string head, string name, CompositeLayout layout, TextWriter output)
    {
        output.Write($"{head} {{\n");
        var line = 0L;
        WriteMembers(layout, output, 1, ref line);
        WriteSummary(layout, output);
        output.Write(layout.IsPacked ? $"}} __attribute__((packed)){name};\n" : $"}}{name};\n");
    }

    /// <param name="line">The last cache line whose start was told. Alternatives of a union each tell theirs, and so does what follows it.</param>
    private static void WriteMembers(CompositeLayout layout, TextWriter output, int level, ref long line)
    {
        WriteGap(layout.LeadingGap, output, level);
        foreach (var member in layout.Members)
        {
            var own = line;
            if (layout.IsUnion)
            {
                WriteMember(member, output, level, ref own);
                continue;
            }
            WriteBoundary(member, output, level, ref line);
            WriteMember(member, output, level, ref line);
            if (member.InnerPadding > 0)
                WriteComment(output, level, $"XXX last struct has {Count(member.InnerPadding, "byte")} of padding");
            WriteGap(member.GapBehind, output, level);
        }
    }

    private static void WriteMember(MemberLayout member, TextWriter output, int level, ref long line)
    {
        var declaration = member.Declaration;
        var fold = member.Inner is null ? -1 : declaration.IndexOf(TypeLine.Folded, StringComparison.Ordinal);
        if (fold >= 0)
        {
            Indent(output, level);
            output.Write($"{declaration.AsSpan(0, fold)}{{\n");
            WriteMembers(member.Inner!, output, level + 1, ref line);
            declaration = declaration[(fold + TypeLine.Folded.Length - 1)..];
        }
        var bits = member.BitSize is { } size ? string.Create(CultureInfo.InvariantCulture, $":{size}") : "";
        Indent(output, level);
        output.Write($"{declaration}{bits};".PadRight(Math.Max(0, CommentColumn - 8 * level)));
        output.Write(member.BitOffset is { } bit
            ? string.Create(CultureInfo.InvariantCulture, $" /* {member.ByteOffset,5}:{bit,2} {member.ByteSize,2} */\n")
            : string.Create(CultureInfo.InvariantCulture, $" /* {member.ByteOffset,5} {member.ByteSize,5} */\n"));
    }

    private static void WriteBoundary(MemberLayout member, TextWriter output, int level, ref long line)
    {
        var reached = member.ByteOffset / CompositeLayout.CacheLineBytes;
        if (reached <= line)
            return;
        line = reached;
        var since = member.ByteOffset % CompositeLayout.CacheLineBytes;
        var ago = since == 0 ? "" : $" was {Count(since, "byte")} ago";
        Indent(output, level);
        output.Write(string.Create(CultureInfo.InvariantCulture, $"/* --- cacheline {line} boundary ({line * CompositeLayout.CacheLineBytes} bytes){ago} --- */\n"));
    }

    private static void WriteGap(in LayoutGap gap, TextWriter output, int level)
    {
        if (gap.Bits > 0)
            WriteComment(output, level, $"XXX {Count(gap.Bits, "bit")} hole, try to pack");
        if (gap.Bytes > 0)
            WriteComment(output, level, $"XXX {Count(gap.Bytes, "byte")} hole, try to pack");
    }

    private static void WriteSummary(CompositeLayout layout, TextWriter output)
    {
        output.Write('\n');
        foreach (var part in Summary(layout))
        {
            Indent(output, 1);
            output.Write($"/* {part} */\n");
        }
    }

    private static IEnumerable<string> Summary(CompositeLayout layout)
    {
        yield return Invariant($"size: {layout.Size}, cachelines: {layout.CacheLines}, members: {layout.Members.Count}");
        if (layout.IsUnion)
            yield break;
        if (layout.Holes + layout.BitHoles > 0)
        {
            if (layout.MemberBytes > 0)
                yield return Invariant($"sum members: {layout.MemberBytes}") + (layout.Holes > 0 ? Invariant($", holes: {layout.Holes}, sum holes: {layout.HoleBytes}") : "");
            if (layout.BitfieldBits > 0)
                yield return Invariant($"sum bitfield members: {layout.BitfieldBits} bits") + BitHoles(layout);
        }
        if (layout.Padding.Bytes > 0)
            yield return Invariant($"padding: {layout.Padding.Bytes}");
        if (layout.PaddedMembers > 0)
            yield return Invariant($"paddings: {layout.PaddedMembers}, sum paddings: {layout.InnerPaddingBytes}");
        if (layout.Padding.Bits > 0)
            yield return Invariant($"bit_padding: {layout.Padding.Bits} bits");
        if (layout.LastCacheLine > 0)
            yield return Invariant($"last cacheline: {layout.LastCacheLine} bytes");
    }

    private static string BitHoles(CompositeLayout layout) => layout.BitHoles > 0
        ? Invariant($", bit holes: {layout.BitHoles}, sum bit holes: {layout.BitHoleBits} bits")
        : Invariant($" ({layout.BitfieldBits / 8} bytes)");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static string Count(long count, string unit) => Invariant($"{count} {unit}{(count == 1 ? "" : "s")}");

    private static void WriteComment(TextWriter output, int level, string text)
    {
        output.Write('\n');
        Indent(output, level);
        output.Write($"/* {text} */\n\n");
    }

    private static void Indent(TextWriter output, int level)
    {
        for (; level > 0; level--)
            output.Write('\t');
    }
}
