using System.Buffers.Binary;
using System.Text;

namespace Fuzz.Mutation;

/// <summary>
/// Mutations that find their way in ELF: fields of the header and of section headers, bytes of sections by name, and sections
/// of another length, which are moved to the end of the file. Images that are too damaged for that are mutated as bytes.
/// </summary>
internal static class ElfMutations
{
    /// <param name="favourites">Parts of section names whose bytes matter most; one that stands twice is taken twice as often.</param>
    public static byte[] Apply(byte[] input, byte[] other, Random random, string[] favourites)
    {
        if (random.Next(10) == 0 || ElfLayout.Of(input) is not { } layout)
            return ByteMutations.Apply(input, other, random);
        var output = (byte[])input.Clone();
        for (var i = 1 << random.Next(4); i > 0; i--)
        {
            switch (random.Next(8))
            {
                case 0:
                    layout.MutateField(output, random);
                    break;
                case 1:
                    return Regrown(output, other, layout, favourites, random);
                default:
                    ByteMutations.InPlace(layout.BytesOf(output, layout.Choose(output, favourites, random)), random);
                    break;
            }
        }
        return output;
    }

    /// <summary>One section becomes what mutations of its own format make of it; null if there is none of the name.</summary>
    public static byte[]? ApplyToSection(byte[] input, byte[] other, Random random, string name, Func<byte[], byte[], Random, byte[]> mutate)
    {
        if (ElfLayout.Of(input) is not { } layout || layout.Find(input, name) is not { } section)
            return null;
        var donor = ElfLayout.Of(other) is { } others && others.Find(other, name) is { } found ? others.BytesOf(other, found).ToArray() : [];
        return layout.Replaced(input, section, mutate(layout.BytesOf(input, section).ToArray(), donor, random));
    }

    /// <summary>Some words of a section become other numbers.</summary>
    public static byte[]? ApplyToWords(byte[] input, Random random, string name)
    {
        if (ElfLayout.Of(input) is not { } layout || layout.Find(input, name) is not { } section || layout.BytesOf(input, section).Length < 4)
            return null;
        var output = (byte[])input.Clone();
        var bytes = layout.BytesOf(output, section);
        for (var i = 1 << random.Next(3); i > 0; i--)
        {
            var word = bytes.Slice(4 * random.Next(bytes.Length / 4), 4);
            layout.Write32(word, random.Next(4) switch
            {
                0 => layout.Read32(word) + 1,
                1 => layout.Read32(word) - 1,
                2 => (uint)random.Next(64),
                _ => (uint)ByteMutations.Number(random, (ulong)bytes.Length),
            });
        }
        return output;
    }

    private static byte[] Regrown(byte[] output, byte[] other, ElfLayout layout, string[] favourites, Random random)
    {
        var section = layout.Choose(output, favourites, random);
        var donor = ElfLayout.Of(other) is { } others ? others.BytesOf(other, others.Choose(other, favourites, random)).ToArray() : other;
        var content = ByteMutations.Apply(layout.BytesOf(output, section).ToArray(), donor, random);
        var grown = layout.Replaced(output, section, content);
        // Past the first unit length nothing is read of .debug_info, unless it agrees.
        if (random.Next(4) != 0 && content.Length > 4 && layout.NameOf(grown, section) == ".debug_info")
            layout.Write32(grown.AsSpan(output.Length), (uint)content.Length - 4);
        return grown.Length <= ByteMutations.MaxBytes ? grown : output;
    }
}

/// <summary>Where the section headers of an image are. Trusts nothing, checks little: what is wrong is left to the reader under test.</summary>
internal sealed class ElfLayout
{
    private readonly bool _is64;
    private readonly bool _bigEndian;
    private readonly int _table;
    private readonly int _count;
    private readonly int _names;

    private ElfLayout(bool is64, bool bigEndian, int table, int count, int names)
    {
        (_is64, _bigEndian, _table, _count, _names) = (is64, bigEndian, table, count, names);
    }

    private int HeaderBytes => _is64 ? 64 : 40;

    public static ElfLayout? Of(byte[] image)
    {
        if (image.Length < 64 || !image.AsSpan().StartsWith("\u007fELF"u8))
            return null;
        var probe = new ElfLayout(image[4] == 2, image[5] == 2, 0, 0, 0);
        var table = (long)probe.Word(image.AsSpan(probe._is64 ? 40 : 32));
        var tail = image.AsSpan(probe._is64 ? 60 : 48);
        var (count, names) = (probe.Read16(tail), probe.Read16(tail[2..]));
        return table > 0 && count > 0 && names < count && table <= image.Length - (long)count * probe.HeaderBytes
            ? new ElfLayout(probe._is64, probe._bigEndian, (int)table, count, names)
            : null;
    }

    /// <summary>A field of the ELF header or of a section header becomes another number.</summary>
    public void MutateField(byte[] image, Random random)
    {
        var field = random.Next(4) == 0
            ? image.AsSpan(2 * random.Next(8, 26), 2)
            : Field(image, random.Next(_count), random.Next(10));
        var value = ByteMutations.Number(random, (ulong)image.Length);
        for (var i = 0; i < field.Length; i++, value >>= 8)
            field[_bigEndian ? field.Length - 1 - i : i] = (byte)value;
    }

    /// <summary>Index of a section, with luck one whose name has a favourite in it.</summary>
    public int Choose(byte[] image, string[] favourites, Random random)
    {
        var favourite = favourites[random.Next(favourites.Length)];
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var section = random.Next(_count);
            if (NameOf(image, section).Contains(favourite, StringComparison.Ordinal))
                return section;
        }
        return random.Next(_count);
    }

    /// <summary>Index of the section of a name.</summary>
    public int? Find(byte[] image, string name)
    {
        for (var section = 0; section < _count; section++)
        {
            if (NameOf(image, section) == name)
                return section;
        }
        return null;
    }

    /// <summary>The image with other bytes for a section, behind everything else.</summary>
    public byte[] Replaced(byte[] image, int section, byte[] content)
    {
        byte[] grown = [.. image, .. content];
        Move(grown, section, image.Length, content.Length);
        return grown;
    }

    /// <summary>Empty where the section reaches outside of the file.</summary>
    public Span<byte> BytesOf(byte[] image, int section)
    {
        var (offset, size) = (Word(Field(image, section, 4)), Word(Field(image, section, 5)));
        return offset <= (ulong)image.Length && size <= (ulong)image.Length - offset ? image.AsSpan((int)offset, (int)size) : [];
    }

    public string NameOf(byte[] image, int section)
    {
        var names = BytesOf(image, _names);
        var at = Read32(Field(image, section, 0));
        if (at >= names.Length)
            return "";
        var rest = names[(int)at..];
        return Encoding.Latin1.GetString(rest.IndexOf((byte)0) is >= 0 and var end ? rest[..end] : rest);
    }

    private void Move(byte[] image, int section, int offset, int size)
    {
        WriteWord(Field(image, section, 4), (ulong)offset);
        WriteWord(Field(image, section, 5), (ulong)size);
    }

    public void Write32(Span<byte> at, uint value)
    {
        if (_bigEndian)
            BinaryPrimitives.WriteUInt32BigEndian(at, value);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(at, value);
    }

    /// <summary>sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, sh_link, sh_info, sh_addralign, sh_entsize.</summary>
    private Span<byte> Field(byte[] image, int section, int index)
    {
        var word = _is64 ? 8 : 4;
        ReadOnlySpan<int> halves = [0, 1, 6, 7];
        var before = index switch
        {
            <= 1 => 4 * index,
            <= 5 => 8 + word * (index - 2),
            <= 7 => 8 + word * 4 + 4 * (index - 6),
            _ => 16 + word * (index - 4),
        };
        return image.AsSpan(_table + section * HeaderBytes + before, halves.Contains(index) ? 4 : word);
    }

    private ulong Word(ReadOnlySpan<byte> at) => !_is64 ? Read32(at)
        : _bigEndian ? BinaryPrimitives.ReadUInt64BigEndian(at) : BinaryPrimitives.ReadUInt64LittleEndian(at);

    private void WriteWord(Span<byte> at, ulong value)
    {
        if (!_is64)
            Write32(at, (uint)value);
        else if (_bigEndian)
            BinaryPrimitives.WriteUInt64BigEndian(at, value);
        else
            BinaryPrimitives.WriteUInt64LittleEndian(at, value);
    }

    public uint Read32(ReadOnlySpan<byte> at) => _bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(at) : BinaryPrimitives.ReadUInt32LittleEndian(at);

    private ushort Read16(ReadOnlySpan<byte> at) => _bigEndian ? BinaryPrimitives.ReadUInt16BigEndian(at) : BinaryPrimitives.ReadUInt16LittleEndian(at);
}
