using System.Buffers.Binary;
using System.Text;

namespace Archive.Extractor.Packages;

/// <summary>What an entry of a tar is, as far as we care.</summary>
internal enum TarKind
{
    RegularFile,
    LongName,
    Pax,

    /// <summary>An extension whose content we pass over: a long link name, a global pax header.</summary>
    OtherExtension,

    /// <summary>Folder, link, device, sparse file.</summary>
    Other,
}

/// <summary>The 512-byte header of a tar entry (POSIX ustar; GNU tar manual, "Basic Tar Format").</summary>
internal sealed record TarHeader(string Name, long Size, TarKind Kind, bool HasContent)
{
    public const int Bytes = 512;
    public const long MaxSize = 1L << 50;

    private const int ChecksumAt = 148;
    private const int TypeAt = 156;

    /// <exception cref="PackageFormatException">The checksum or a number is wrong.</exception>
    public static TarHeader Parse(ReadOnlySpan<byte> block, string member, long offset)
    {
        if (Octal(block.Slice(ChecksumAt, 8)) != Checksum(block))
            throw new PackageFormatException(member, offset + ChecksumAt, (ulong)Checksum(block), "a tar header's checksum is wrong");
        if (Number(block.Slice(124, 12)) is not { } size || size > MaxSize)
            throw new PackageFormatException(member, offset + 124, null, "a tar entry's size is not a number");
        return new TarHeader(FullName(block), size, KindOf(block[TypeAt]), block[TypeAt] is not ((>= (byte)'1' and <= (byte)'6')));
    }

    /// <summary>
    /// The header that <c>tar --format=gnu --owner=root:0 --group=root:0 --mode=a=r --mtime=@0</c> writes for a
    /// regular file.
    /// </summary>
    /// <param name="name">At most 100 bytes of ASCII.</param>
    public static void Write(Span<byte> block, string name, long size)
    {
        block.Clear();
        Encoding.ASCII.GetBytes(name, block[..100]);
        WriteOctal(block[100..108], 0b100_100_100);
        WriteOctal(block[108..116], 0);
        WriteOctal(block[116..124], 0);
        WriteOctal(block[124..136], size);
        WriteOctal(block[136..148], 0);
        block[TypeAt] = (byte)'0';
        "ustar  \0"u8.CopyTo(block[257..]);
        "root"u8.CopyTo(block[265..]);
        "root"u8.CopyTo(block[297..]);
        Sign(block);
    }

    /// <summary>Writes the checksum of what the header holds by now.</summary>
    public static void Sign(Span<byte> block)
    {
        WriteOctal(block.Slice(ChecksumAt, 7), Checksum(block));
        block[ChecksumAt + 7] = (byte)' ';
    }

    private static TarKind KindOf(byte type) => type switch
    {
        (byte)'0' or 0 or (byte)'7' => TarKind.RegularFile,
        (byte)'L' => TarKind.LongName,
        (byte)'x' => TarKind.Pax,
        (byte)'K' or (byte)'g' => TarKind.OtherExtension,
        _ => TarKind.Other,
    };

    // ustar splits a long name at a slash; GNU tar marks its own format with two spaces and keeps other things there.
    private static string FullName(ReadOnlySpan<byte> block)
    {
        var name = Text(block[..100]);
        var prefix = block.Slice(257, 6).SequenceEqual("ustar\0"u8) ? Text(block.Slice(345, 155)) : "";
        return prefix.Length == 0 ? name : $"{prefix}/{name}";
    }

    private static string Text(ReadOnlySpan<byte> field) =>
        Encoding.UTF8.GetString(field.IndexOf((byte)0) is >= 0 and var end ? field[..end] : field);

    // The checksum counts itself as spaces.
    private static int Checksum(ReadOnlySpan<byte> block)
    {
        var sum = 8 * ' ';
        for (var i = 0; i < Bytes; i++)
            sum += i is >= ChecksumAt and < ChecksumAt + 8 ? 0 : block[i];
        return sum;
    }

    // GNU tar writes what does not fit into eleven octal digits in binary, with the top bit set.
    private static long? Number(ReadOnlySpan<byte> field)
    {
        if (field[0] != 0x80)
            return Octal(field);
        var value = BinaryPrimitives.ReadInt64BigEndian(field[4..]);
        return field[1..4].ContainsAnyExcept((byte)0) || value < 0 ? null : value;
    }

    private static long? Octal(ReadOnlySpan<byte> field)
    {
        var digits = field.Trim(" \0"u8);
        long value = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7')
                return null;
            value = (value << 3) | (uint)(digit - '0');
        }

        return value;
    }

    private static void WriteOctal(Span<byte> field, long value)
    {
        for (var i = field.Length - 2; i >= 0; i--, value >>= 3)
            field[i] = (byte)('0' + (value & 7));
    }
}
