using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// A section that is too large to hold for the little that is wanted of it: the bytes around the last offset asked for are in
/// memory. Offsets mostly rise, so that a read serves many. One per worker.
/// </summary>
internal sealed class SectionWindow
{
    private const int Bytes = 256 << 10;

    private readonly ElfImage? _image;
    private readonly ElfSection? _section;
    private readonly byte[]? _whole;
    private byte[] _window = [];
    private long _start;
    private int _length;

    /// <param name="whole">The section's bytes, where it had to be decompressed or relocated; then nothing is read.</param>
    public SectionWindow(ElfImage image, ElfSection? section, byte[]? whole) =>
        (_image, _section, _whole, Length) = (image, section, whole, whole?.Length ?? section?.Size ?? 0);

    public long Length { get; }

    /// <summary>The bytes from an offset on: at least so many, or up to the end of the section.</summary>
    public ReadOnlySpan<byte> From(long offset, int atLeast)
    {
        if (_whole is not null)
            return _whole.AsSpan((int)offset);
        atLeast = (int)Math.Min(atLeast, Length - offset);
        if (offset < _start || offset + atLeast > _start + _length)
            Read(offset, atLeast);
        return _window.AsSpan((int)(offset - _start), (int)(_start + _length - offset));
    }

    private void Read(long offset, int atLeast)
    {
        _length = (int)Math.Min(Math.Max(Bytes, atLeast), Length - offset);
        if (_window.Length < _length)
            _window = new byte[_length];
        _image!.Read(_section!, offset, _window.AsSpan(0, _length));
        _start = offset;
    }
}
