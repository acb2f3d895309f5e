using System.Globalization;
using System.Text;

namespace Archive.Extractor.Packages;

/// <summary>
/// Forward-only reader of the regular files of a cpio archive: <c>newc</c> with and without checksums, and rpm's "stripped" entries,
/// which are nothing but a number in the package's file list (rpm: lib/cpio.c).
/// </summary>
public sealed class CpioFileReader : IPackedFiles
{
    private const int MagicBytes = 6;
    private const int FieldBytes = 8;
    private const int HeaderBytes = MagicBytes + (13 * FieldBytes);
    private const int StrippedBytes = MagicBytes + FieldBytes;
    private const int MaxNameBytes = 4096;
    private const uint TypeMask = 0xf000, Regular = 0x8000;

    private readonly Stream _cpio;
    private readonly string _member;
    private readonly int _maxEntries;
    private readonly Lazy<IReadOnlyList<RpmFile>> _list;
    private readonly byte[] _header = new byte[HeaderBytes];
    private PackedFile? _current;
    private long _offset;

    internal CpioFileReader(Stream cpio, string member, int maxEntries, Func<IReadOnlyList<RpmFile>> list) =>
        (_cpio, _member, _maxEntries, _list) = (cpio, member, maxEntries, new(list));

    public CpioFileReader(Stream cpio, string member, int maxEntries)
        : this(cpio, member, maxEntries, static () => [])
    {
    }

    public int Entries { get; private set; }

    public PackedFile? Next()
    {
        while (true)
        {
            SkipCurrent();
            Fill(_header.AsSpan(0, MagicBytes));
            if (++Entries > _maxEntries)
                throw Malformed((ulong)Entries, "has too many entries");
            var entry = _header.AsSpan(0, MagicBytes) switch
            {
                [(byte)'0', (byte)'7', (byte)'0', (byte)'7', (byte)'0', (byte)'1' or (byte)'2'] => ReadEntry(),
                [(byte)'0', (byte)'7', (byte)'0', (byte)'7', (byte)'0', (byte)'X'] => ReadStripped(),
                _ => throw Malformed(_header[0], "has no entry of the newc format"),
            };
            if (entry is null)
                return null;
            var (name, isRegular, size) = entry.Value;
            _current = new PackedFile(name, size, new BoundedStream(_cpio, size, $"{_member}: {name}"));
            if (isRegular)
                return _current;
        }
    }

    /// <summary>ino, mode, uid, gid, nlink, mtime, filesize, …, namesize, check, each eight hexadecimal digits (cpio(5)).</summary>
    private (string Name, bool IsRegular, long Size)? ReadEntry()
    {
        Fill(_header.AsSpan(MagicBytes));
        var (mode, links, size, nameSize) = (Field(1), Field(4), Field(6), Field(11));
        var name = ReadName(nameSize);
        if (name == "TRAILER!!!")
            return null;
        // Of hard-linked files only the last has the content.
        var isRegular = (mode & TypeMask) == Regular && (size > 0 || links <= 1);
        return (name, isRegular, size);
    }

    private (string Name, bool IsRegular, long Size)? ReadStripped()
    {
        Fill(_header.AsSpan(MagicBytes, FieldBytes));
        var index = Field(0);
        SkipPadding(StrippedBytes);
        if (index >= _list.Value.Count)
            throw Malformed(index, $"names a file that is not among the {_list.Value.Count} of the header");
        var file = _list.Value[(int)index];
        return ("." + file.Name, file.IsRegular && file.ContentSize > 0, file.ContentSize);
    }

    private string ReadName(uint size)
    {
        if (size is 0 or > MaxNameBytes)
            throw Malformed(size, "has a name that is too long, or none");
        Span<byte> name = stackalloc byte[(int)size];
        Fill(name);
        SkipPadding(HeaderBytes + (int)size);
        return Encoding.UTF8.GetString(name.TrimEnd((byte)0));
    }

    private uint Field(int index)
    {
        var digits = _header.AsSpan(MagicBytes + (index * FieldBytes), FieldBytes);
        return uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Malformed((ulong)index, "has a header with a field that is no number");
    }

    private void SkipCurrent()
    {
        if (_current is not { } file)
            return;
        file.Content.CopyTo(Stream.Null);
        _offset += file.Size;
        SkipPadding(file.Size);
        _current = null;
    }

    /// <summary>Headers with their names, and contents, are filled up to multiples of four bytes.</summary>
    private void SkipPadding(long length) => Fill(stackalloc byte[(int)(-length & 3)]);

    private void Fill(Span<byte> bytes)
    {
        if (_cpio.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw Malformed(null, "ends before its last entry");
        _offset += bytes.Length;
    }

    private PackageFormatException Malformed(ulong? value, string problem) => new(_member, _offset, value, problem);
}
