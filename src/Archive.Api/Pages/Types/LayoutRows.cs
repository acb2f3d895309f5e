using System.Globalization;
using Btf.Text.Layout;

namespace Archive.Api.Pages.Types;

/// <summary>What a row of a layout is.</summary>
public enum LayoutRowKind
{
    Member,

    /// <summary>Bytes or bits that no member covers.</summary>
    Hole,

    /// <summary>The start of a cache line.</summary>
    Line,

    /// <summary>A struct or union without name, before its members.</summary>
    Open,

    /// <summary>And behind them.</summary>
    Close,
}

/// <param name="Depth">Of structs and unions without names around it.</param>
/// <param name="Offset">In bytes, <c>8:3</c> for a bitfield; empty where there is none.</param>
/// <param name="Size">In bytes, <c>3 bits</c> for a bitfield.</param>
/// <param name="Text">The declaration, or what the row says.</param>
/// <param name="Name">Of the member; empty of others.</param>
public sealed record LayoutRow(LayoutRowKind Kind, int Depth, string Offset, string Size, string Text, string Name);

/// <summary>A layout as rows of a table.</summary>
public static class LayoutRows
{
    private const string Folded = "{…}";

    public static IReadOnlyList<LayoutRow> Of(CompositeLayout layout)
    {
        var (rows, line) = (new List<LayoutRow>(), 0L);
        Add(rows, layout, 0, ref line);
        AddGap(rows, layout.Padding, 0, "padding");
        return rows;
    }

    private static void Add(List<LayoutRow> rows, CompositeLayout layout, int depth, ref long line)
    {
        AddGap(rows, layout.LeadingGap, depth, "hole");
        foreach (var member in layout.Members)
        {
            // Alternatives of a union begin at one place: each tells the lines within itself.
            var own = line;
            if (layout.IsUnion)
            {
                AddMember(rows, member, depth, ref own);
                continue;
            }
            AddLine(rows, member, depth, ref line);
            AddMember(rows, member, depth, ref line);
            AddGap(rows, member.GapBehind, depth, "hole");
        }
    }

    private static void AddMember(List<LayoutRow> rows, MemberLayout member, int depth, ref long line)
    {
        var (offset, size) = Place(member);
        var fold = member.Inner is null ? -1 : member.Declaration.IndexOf(Folded, StringComparison.Ordinal);
        if (fold < 0)
        {
            rows.Add(new LayoutRow(LayoutRowKind.Member, depth, offset, size, member.Declaration + Bits(member) + ";", member.Name));
            return;
        }
        rows.Add(new LayoutRow(LayoutRowKind.Open, depth, offset, size, member.Declaration[..fold] + "{", ""));
        Add(rows, member.Inner!, depth + 1, ref line);
        rows.Add(new LayoutRow(LayoutRowKind.Close, depth, "", "", "}" + member.Declaration[(fold + Folded.Length)..] + ";", member.Name));
    }

    private static (string Offset, string Size) Place(MemberLayout member) => member.BitOffset is { } bit
        ? (string.Create(CultureInfo.InvariantCulture, $"{member.ByteOffset}:{bit}"), Count(member.BitSize!.Value, "bit"))
        : (Text(member.ByteOffset), Text(member.ByteSize));

    private static string Bits(MemberLayout member) => member.BitSize is { } size ? $":{Text(size)}" : "";

    private static void AddLine(List<LayoutRow> rows, MemberLayout member, int depth, ref long line)
    {
        var reached = member.ByteOffset / CompositeLayout.CacheLineBytes;
        if (reached <= line)
            return;
        line = reached;
        rows.Add(new LayoutRow(LayoutRowKind.Line, depth, "", "", $"cache line {Text(line)}, from {Text(line * CompositeLayout.CacheLineBytes)}", ""));
    }

    private static void AddGap(List<LayoutRow> rows, LayoutGap gap, int depth, string what)
    {
        if (gap.Bits > 0)
            rows.Add(new LayoutRow(LayoutRowKind.Hole, depth, "", Count(gap.Bits, "bit"), $"{what} of {Count(gap.Bits, "bit")}", ""));
        if (gap.Bytes > 0)
            rows.Add(new LayoutRow(LayoutRowKind.Hole, depth, "", Text(gap.Bytes), $"{what} of {Count(gap.Bytes, "byte")}", ""));
    }

    private static string Count(long count, string unit) => $"{Text(count)} {unit}{(count == 1 ? "" : "s")}";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
