using System.Buffers.Text;
using System.Text;

namespace Archive.Extractor.Packages;

/// <summary>A member of an ar archive, whose content is to be read before the next one is asked for.</summary>
/// <param name="Offset">Of its content in the archive.</param>
public sealed record ArMember(string Name, long Offset, long Size, BoundedStream Content);

/// <summary>
/// The ar format as Debian packages use it (<c>deb(5)</c>): an 8-byte magic, then for each member a 60-byte header
/// in ASCII and the content, padded to an even offset. Short names only; a trailing slash is allowed.
/// </summary>
public sealed class ArReader(Stream archive, string name)
{
    public static ReadOnlySpan<byte> Magic => "!<arch>\n"u8;

    private const int HeaderBytes = 60;
    private const long MaxMemberBytes = 9_999_999_999; // ten digits
    private long _offset;
    private ArMember? _current;

    /// <summary>The next member; null at the end of the archive.</summary>
    /// <exception cref="PackageFormatException">The archive is malformed or ends too early.</exception>
    public ArMember? Next()
    {
        if (_offset == 0)
            ReadMagic();
        SkipCurrent();
        Span<byte> header = stackalloc byte[HeaderBytes];
        var count = archive.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (count == 0)
            return null;
        if (count < HeaderBytes)
            throw new PackageFormatException(name, _offset, (ulong)count, "ends within a member's header");
        _current = Parse(header);
        _offset += HeaderBytes + _current.Size + (_current.Size & 1);
        return _current;
    }

    private void ReadMagic()
    {
        Span<byte> magic = stackalloc byte[Magic.Length];
        if (archive.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) < magic.Length || !magic.SequenceEqual(Magic))
            throw new PackageFormatException(name, 0, null, "is not an ar archive");
        _offset = magic.Length;
    }

    private ArMember Parse(ReadOnlySpan<byte> header)
    {
        if (header[58] != '`' || header[59] != '\n')
            throw new PackageFormatException(name, _offset + 58, header[58], "a member's header does not end as it must");
        var size = ParseSize(header.Slice(48, 10));
        var memberName = ParseName(header[..16]);
        return new ArMember(memberName, _offset + HeaderBytes, size, new BoundedStream(archive, size, memberName));
    }

    private string ParseName(ReadOnlySpan<byte> field)
    {
        var text = field.TrimEnd((byte)' ').TrimEnd((byte)'/');
        if (text.IsEmpty || text.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
            throw new PackageFormatException(name, _offset, null, "a member's name is empty or not printable");
        return Encoding.ASCII.GetString(text);
    }

    private long ParseSize(ReadOnlySpan<byte> field)
    {
        var digits = field.TrimEnd((byte)' ');
        return Utf8Parser.TryParse(digits, out long size, out var used) && used == digits.Length && size is >= 0 and <= MaxMemberBytes
            ? size
            : throw new PackageFormatException(name, _offset + 48, null, "a member's size is not a number");
    }

    // The last member's padding may be missing: some tools leave it out.
    private void SkipCurrent()
    {
        _current?.Content.CopyTo(Stream.Null);
        if (_current is { } member && (member.Size & 1) != 0)
            _ = archive.ReadByte();
    }
}
