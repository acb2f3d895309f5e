namespace Btf.Text.CSource;

/// <summary>
/// Members without name that bring the next member to its place: <c>long: 0</c> where alignment does it, else bits counted out. Of the
/// types from long to char, the widest whose boundary lies within the gap is taken, since fewer members then say it.
/// </summary>
internal static class BitPadding
{
    private static readonly string[] Types = ["long", "int", "short", "char"];

    /// <param name="from">First free bit of the struct.</param>
    /// <param name="to">Bit of the next member, or of the end.</param>
    /// <param name="alignment">Of the next member or of the struct, in bytes: where the compiler would go by itself.</param>
    /// <param name="inBitfield">Between two bitfields, where nothing is left to the compiler.</param>
    public static void Write(CText text, int level, long from, long to, int alignment, bool inBitfield, int pointerSize)
    {
        if (from >= to)
            return;
        var width = Widest(from, to, pointerSize, out var type);
        var boundary = RoundUp(from, width);
        if (boundary > from && boundary <= to)
        {
            if (inBitfield || !ComesByItself(from, to, boundary, alignment))
                WritePad(text, level, type, inBitfield ? boundary - from : 0);
            from = boundary;
        }
        Fill(text, level, from, to, type, width, pointerSize);
    }

    private static int Width(int type, int pointerSize) => type == 0 ? 8 * pointerSize : 64 >> type;

    private static int Widest(long from, long to, int pointerSize, out int type)
    {
        for (type = 0; type < Types.Length - 1 && RoundUp(from, Width(type, pointerSize)) > to;)
            type++;
        return Width(type, pointerSize);
    }

    /// <summary>Alignment of the next member leads there, or the pads that follow cannot fit before the boundary.</summary>
    private static bool ComesByItself(long from, long to, long boundary, int alignment) => boundary == to
        ? RoundUp(from, 8 * Math.Max(alignment, 1)) == boundary
        : to - boundary > boundary - from;

    private static void Fill(CText text, int level, long from, long to, int type, int width, int pointerSize)
    {
        for (; to - from >= width; from += width)
            WritePad(text, level, type, width);
        if (from == to)
            return;
        // The narrowest type that has the rest: the same bits, and easier to read.
        var narrow = Types.Length - 1;
        while (Width(narrow, pointerSize) < to - from)
            narrow--;
        WritePad(text, level, narrow, to - from);
    }

    private static void WritePad(CText text, int level, int type, long bits)
    {
        text.Line(level);
        text.Write(Types[type]);
        text.Write(": ");
        text.Write(bits);
        text.Write(";");
    }

    private static long RoundUp(long bit, int width) => (bit + width - 1) / width * width;
}
