using Btf.Text.Layout;

namespace Archive.Api.Pages.Types;

/// <summary>A line of a comparison, as it is on each side.</summary>
/// <param name="Left">Null where the line is new.</param>
/// <param name="Right">Null where it is gone.</param>
/// <param name="Skipped">Equal lines that are left out here; 0 for a line of its own.</param>
public sealed record DiffRow(LayoutRow? Left, LayoutRow? Right, int Skipped = 0)
{
    /// <summary>The declaration is the same; its place may not be.</summary>
    public bool IsMoved => Left is not null && Right is not null && (Left.Offset, Left.Size) != (Right.Offset, Right.Size);

    public bool IsSame => Left is not null && Right is not null && !IsMoved;
}

/// <summary>Two shapes of a type side by side: the longest common subsequence of their lines.</summary>
public static class DiffRows
{
    /// <summary>The work is the product of the two; larger types are cut.</summary>
    private const int MaxLines = 3000;
    private const int Around = 3;

    public static IReadOnlyList<DiffRow> Compare(IReadOnlyList<LayoutRow> left, IReadOnlyList<LayoutRow> right)
    {
        var (a, b) = (Lines(left), Lines(right));
        var common = Common(a, b);
        var (rows, i, j) = (new List<DiffRow>(), 0, 0);
        while (i < a.Count || j < b.Count)
        {
            if (i < a.Count && j < b.Count && AreEqual(a[i], b[j]))
                rows.Add(new DiffRow(a[i++], b[j++]));
            else if (j == b.Count || i < a.Count && common[i + 1, j] >= common[i, j + 1])
                rows.Add(new DiffRow(a[i++], null));
            else
                rows.Add(new DiffRow(null, b[j++]));
        }
        return rows;
    }

    /// <summary>What changed with three lines around it; the rest is counted.</summary>
    public static IReadOnlyList<DiffRow> Fold(IReadOnlyList<DiffRow> rows)
    {
        var isNear = new bool[rows.Count];
        for (var i = 0; i < rows.Count; i++)
        {
            if (rows[i].Left is null || rows[i].Right is null)
                Array.Fill(isNear, true, Math.Max(0, i - Around), Math.Min(rows.Count, i + Around + 1) - Math.Max(0, i - Around));
        }
        var (folded, skipped) = (new List<DiffRow>(), 0);
        for (var i = 0; i <= rows.Count; i++)
        {
            if (i < rows.Count && !isNear[i])
            {
                skipped++;
                continue;
            }
            if (skipped > 0)
                folded.Add(new DiffRow(null, null, skipped));
            skipped = 0;
            if (i < rows.Count)
                folded.Add(rows[i]);
        }
        return folded;
    }

    /// <summary>The lines of whatever a name stands for.</summary>
    public static IReadOnlyList<LayoutRow> Of(IReadOnlyList<TypeDescription> types) => [.. types.SelectMany(Of)];

    private static IEnumerable<LayoutRow> Of(TypeDescription type) =>
        type.Layout is { } layout ? LayoutRows.Of(layout)
        : type.Enumerators is { } values ? values.Select(value => new LayoutRow(LayoutRowKind.Member, 0, $"{value.Value}", "", value.Name, value.Name))
        : [new LayoutRow(LayoutRowKind.Member, 0, "", "", type.Declaration + ";", type.Name)];

    private static List<LayoutRow> Lines(IReadOnlyList<LayoutRow> rows) => [.. rows.Where(row => row.Kind != LayoutRowKind.Line).Take(MaxLines)];

    private static bool AreEqual(LayoutRow a, LayoutRow b) => a.Kind == b.Kind && a.Depth == b.Depth && a.Text == b.Text;

    /// <summary>How many lines the rests from i and j on have in common.</summary>
    private static int[,] Common(List<LayoutRow> a, List<LayoutRow> b)
    {
        var common = new int[a.Count + 1, b.Count + 1];
        for (var i = a.Count - 1; i >= 0; i--)
        {
            for (var j = b.Count - 1; j >= 0; j--)
                common[i, j] = AreEqual(a[i], b[j]) ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }
        return common;
    }
}
