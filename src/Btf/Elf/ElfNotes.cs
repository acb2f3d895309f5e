namespace Btf.Elf;

/// <summary>Notes (gABI, Note Section): name size, descriptor size, type, then both padded to four bytes.</summary>
public static class ElfNotes
{
    private const uint GnuBuildId = 3;

    /// <summary>The GNU build-id as lower-case hex, or null.</summary>
    public static string? BuildId(ElfImage image)
    {
        foreach (var section in image.Sections)
        {
            if (section is { Type: ElfSectionType.Note, HasBytes: true, Size: < 1 << 20 }
                && FindBuildId(image.Read(section), image.Endian) is { } id)
                return id;
        }
        return null;
    }

    private static string? FindBuildId(ReadOnlySpan<byte> notes, EndianReader endian)
    {
        while (notes.Length >= 12)
        {
            var nameSize = endian.U32(notes);
            var descriptorSize = endian.U32(notes[4..]);
            var type = endian.U32(notes[8..]);
            var descriptorAt = 12 + Padded(nameSize);
            var end = descriptorAt + Padded(descriptorSize);
            if (end > (ulong)notes.Length)
                return null;
            if (type == GnuBuildId && nameSize == 4 && notes.Slice(12, 4).SequenceEqual("GNU\0"u8))
                return Convert.ToHexStringLower(notes.Slice((int)descriptorAt, (int)descriptorSize));
            notes = notes[(int)end..];
        }
        return null;
    }

    private static ulong Padded(uint size) => ((ulong)size + 3) & ~3UL;
}
