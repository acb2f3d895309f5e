using System.Text;

namespace Archive.Extractor.Packages;

/// <summary>
/// Forward-only reader of the regular files of a tar: v7, ustar, GNU long names and pax paths and sizes. Everything
/// else (folders, links, devices, sparse files) is passed over.
/// </summary>
/// <remarks>
/// System.Formats.Tar is not used for reading, because it allocates what the size field of a long-name or pax entry
/// says, up to 2 GiB, before a byte of it was seen, and because its errors do not tell the offset.
/// </remarks>
public sealed class TarFileReader(Stream tar, string member, int maxEntries) : IPackedFiles
{
    private const int MaxExtensionBytes = 64 * 1024;
    private readonly byte[] _block = new byte[TarHeader.Bytes];
    private PackedFile? _current;
    private long _offset;
    private string? _longName;
    private long? _longSize;

    public int Entries { get; private set; }

    public PackedFile? Next()
    {
        while (ReadHeader() is { } header)
        {
            if (++Entries > maxEntries)
                throw Malformed((ulong)Entries, "has too many entries");
            switch (header.Kind)
            {
                case TarKind.LongName:
                    _longName = TrimNul(ReadExtension(header));
                    break;
                case TarKind.Pax:
                    ReadPax(ReadExtension(header));
                    break;
                case TarKind.RegularFile:
                    return OpenFile(header);
                default:
                    _ = Open(header.Name, header.HasContent ? _longSize ?? header.Size : 0);
                    ForgetExtensions(header.Kind);
                    break;
            }
        }

        return null;
    }

    private TarHeader? ReadHeader()
    {
        SkipCurrent();
        var count = tar.ReadAtLeast(_block, _block.Length, throwOnEndOfStream: false);
        if (count == 0 || !_block.AsSpan().ContainsAnyExcept((byte)0))
            return count is 0 or TarHeader.Bytes ? null : throw Malformed((ulong)count, "ends within a header");
        if (count < _block.Length)
            throw Malformed((ulong)count, "ends within a header");
        var header = TarHeader.Parse(_block, member, _offset);
        _offset += TarHeader.Bytes;
        return header;
    }

    private PackedFile OpenFile(TarHeader header)
    {
        var (name, size) = (_longName ?? header.Name, _longSize ?? header.Size);
        ForgetExtensions(header.Kind);
        return Open(name, size);
    }

    private PackedFile Open(string name, long size)
    {
        _current = new PackedFile(name, size, new BoundedStream(tar, size, $"{member}: {name}")) { Offset = _offset };
        _offset += size + Padding(size);
        return _current;
    }

    private void SkipCurrent()
    {
        if (_current is not { } file)
            return;
        file.Content.CopyTo(Stream.Null);
        var padding = _block.AsSpan(0, Padding(file.Size));
        if (tar.ReadAtLeast(padding, padding.Length, throwOnEndOfStream: false) < padding.Length)
            throw Malformed(null, "ends within an entry's padding");
        _current = null;
    }

    private static int Padding(long size) => (int)(-size & (TarHeader.Bytes - 1));

    private byte[] ReadExtension(TarHeader header)
    {
        if (header.Size > MaxExtensionBytes)
            throw Malformed((ulong)header.Size, "a long name or pax header is too large");
        var bytes = new byte[header.Size];
        Open(header.Name, header.Size).Content.ReadExactly(bytes);
        return bytes;
    }

    // "LENGTH key=value\n", LENGTH counting the whole record (POSIX pax, Extended Header).
    private void ReadPax(ReadOnlySpan<byte> records)
    {
        while (!records.IsEmpty)
        {
            var space = records.IndexOf((byte)' ');
            if (space < 0 || !int.TryParse(records[..space], out var length) || length <= space + 1 || length > records.Length)
                throw Malformed(null, "a pax record's length is wrong");
            Remember(records[(space + 1)..length]);
            records = records[length..];
        }
    }

    private void Remember(ReadOnlySpan<byte> record)
    {
        if (record.StartsWith("path="u8))
            _longName = Encoding.UTF8.GetString(record[5..].TrimEnd((byte)'\n'));
        if (record.StartsWith("size="u8))
            _longSize = long.TryParse(record[5..].TrimEnd((byte)'\n'), out var size) && size is >= 0 and <= TarHeader.MaxSize
                ? size
                : throw Malformed(null, "a pax size is not a number");
    }

    // A global header's records and a long link name are not about the next file's name.
    private void ForgetExtensions(TarKind kind)
    {
        if (kind != TarKind.OtherExtension)
            (_longName, _longSize) = (null, null);
    }

    private static string TrimNul(ReadOnlySpan<byte> text) => Encoding.UTF8.GetString(text.TrimEnd((byte)0));

    private PackageFormatException Malformed(ulong? value, string problem) => new(member, _offset, value, problem);
}
