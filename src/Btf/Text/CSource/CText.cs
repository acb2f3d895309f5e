using System.Globalization;
using System.Text;
using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>
/// Writes C text, and counts what is asked for: a kernel's header is two thirds as long as its BTF, so that what becomes many times
/// longer is types made to unfold.
/// </summary>
internal sealed class CText(TextWriter output, BtfBlob blob)
{
    private static readonly string Tabs = new('\t', TypeLayout.MaxDepth + 1);

    // A writer may pass each call on to a file: a header is two million of them.
    private readonly char[] _buffer = new char[1 << 14];
    private int _buffered;
    private long _charactersLeft = 64L * TotalBytes(blob) + (1 << 16);

    public WorkLimit Work { get; } = new(16L * TotalBytes(blob) + (1 << 16));

    public void Write(ReadOnlySpan<char> text) => text.CopyTo(Take(text.Length));

    /// <summary>Names of C are ASCII; any other byte becomes one character all the same.</summary>
    public void Write(ReadOnlySpan<byte> name) => Encoding.Latin1.GetChars(name, Take(name.Length));

    public void Write(long number)
    {
        Span<char> text = stackalloc char[20];
        number.TryFormat(text, out var length, provider: CultureInfo.InvariantCulture);
        Write(text[..length]);
    }

    public void Write(ulong number)
    {
        Span<char> text = stackalloc char[20];
        number.TryFormat(text, out var length, provider: CultureInfo.InvariantCulture);
        Write(text[..length]);
    }

    /// <summary>A new line at this depth of braces.</summary>
    public void Line(int level)
    {
        Write("\n");
        Write(Tabs.AsSpan(0, level));
    }

    /// <summary>Passes on what is still held back.</summary>
    public void Flush()
    {
        output.Write(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }

    private Span<char> Take(int characters)
    {
        _charactersLeft -= characters;
        if (_charactersLeft < 0)
            throw new BtfFormatException(BtfBlob.TypesSection, 0, null, "types without names unfold to a text 64 times as long as the BTF");
        if (_buffer.Length - _buffered < characters)
            Flush();
        var taken = _buffer.AsSpan(_buffered, characters);
        _buffered += characters;
        return taken;
    }

    private static long TotalBytes(BtfBlob blob) => blob.Bytes.Length + (blob.Base is { } baseBtf ? TotalBytes(baseBtf) : 0);
}

/// <summary>Steps that a walk over types may take.</summary>
internal sealed class WorkLimit(long steps)
{
    private long _left = steps;

    /// <param name="id">The type that is entered.</param>
    /// <param name="depth">How many types lie around it.</param>
    /// <exception cref="BtfFormatException">Too many steps, or too deep.</exception>
    public void Enter(uint id, int depth)
    {
        if (depth > TypeLayout.MaxDepth)
            throw TypeLayout.TooDeep(id);
        if (--_left < 0)
            throw new BtfFormatException(BtfBlob.TypesSection, 0, id, "types without names unfold without end");
    }
}
