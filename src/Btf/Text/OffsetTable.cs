using System.Text;

namespace Btf.Text;

/// <summary>Offsets of some fields in some kernels, as C: what loaders without CO-RE compile in.</summary>
public static class OffsetTable
{
    /// <summary>
    /// An array with a line per kernel, -1 for what it has not. A path through pointers has a column per hop: <c>task_struct_mm</c> and
    /// <c>task_struct_mm_pgd</c>, each from the start of its own struct. A bitfield has its bit and width in columns of their own.
    /// </summary>
    /// <param name="kernels">Each with the fields in the same order.</param>
    public static void WriteC(IReadOnlyList<(string Kernel, IReadOnlyList<FieldOffset> Fields)> kernels, TextWriter output)
    {
        var columns = Columns(kernels);
        output.Write("/* Offsets in bytes; -1: the kernel has no such field. */\nstruct btf_offsets {\n\tconst char *kernel;\n");
        foreach (var column in columns)
            output.Write($"\tint {column.Name};\n");
        output.Write("};\n\nstatic const struct btf_offsets btf_offsets[] = {\n");
        foreach (var (kernel, fields) in kernels)
        {
            output.Write($"\t{{ \"{Escaped(kernel)}\"");
            foreach (var column in columns)
                output.Write(FormattableString.Invariant($", {column.Value(fields[column.Field])}"));
            output.Write(" },\n");
        }
        output.Write("};\n");
    }

    private sealed record Column(int Field, string Name, Func<FieldOffset, long> Value);

    private static List<Column> Columns(IReadOnlyList<(string Kernel, IReadOnlyList<FieldOffset> Fields)> kernels)
    {
        var columns = new List<Column>();
        for (var i = 0; i < (kernels.Count > 0 ? kernels[0].Fields.Count : 0); i++)
        {
            var all = kernels.Select(kernel => kernel.Fields[i]).ToList();
            var path = all[0].Path.Split('|')[0].Trim().Split('.');
            columns.AddRange(ColumnsOf(i, path, all));
        }
        return columns;
    }

    private static IEnumerable<Column> ColumnsOf(int field, string[] path, List<FieldOffset> all)
    {
        var hops = Math.Max(1, all.Max(offset => offset.Hops.Count));
        for (var hop = 0; hop < hops; hop++)
        {
            var index = hop;
            yield return new Column(field, NameOf(path, all, hop, hops), offset => index < offset.Hops.Count ? offset.Hops[index].ByteOffset : -1);
        }
        if (all.TrueForAll(offset => offset.BitSize is null))
            yield break;
        yield return new Column(field, string.Join('_', path) + "_bit", offset => offset.BitOffset ?? -1);
        yield return new Column(field, string.Join('_', path) + "_bits", offset => offset.BitSize ?? -1);
    }

    /// <summary>The path up to the end of a hop.</summary>
    private static string NameOf(string[] path, List<FieldOffset> all, int hop, int hops)
    {
        if (hop == hops - 1)
            return string.Join('_', path);
        var sample = all.Find(offset => offset.Hops.Count == hops)!;
        var steps = 1 + sample.Hops.Take(hop + 1).Sum(h => 1 + h.Members.Count(c => c == '.'));
        return string.Join('_', path.Take(steps));
    }

    private static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
            escaped.Append(c is '"' or '\\' ? $"\\{c}" : char.IsControl(c) ? "?" : $"{c}");
        return escaped.ToString();
    }
}
