using System.Buffers.Binary;
using Btf;
using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// Relocations of debug sections in relocatable images (ET_REL: modules, single objects). Debug sections only ever hold
/// absolute words of 32 and 64 bits, plus RISC-V's pairs of ADD and SUB. Linked images keep their relocations
/// (--emit-relocs) but have them applied already.
/// </summary>
internal static class Relocations
{
    private enum Operation : byte
    {
        None,
        Set,
        Add,
        Subtract,
    }

    public static void Apply(ElfImage image, ElfSection section, byte[] bytes)
    {
        ElfSymbols? symbols = null;
        foreach (var table in image.Sections)
        {
            if (table.Type is not (ElfSectionType.Rela or ElfSectionType.Rel) || table.Info != section.Index)
                continue;
            symbols ??= ElfSymbols.Read(image) ?? throw new ElfFormatException(table.Name, 0, null, "relocations without a symbol table");
            ApplyTable(image, table, symbols, section, bytes);
        }
    }

    private static void ApplyTable(ElfImage image, ElfSection table, ElfSymbols symbols, ElfSection section, byte[] bytes)
    {
        var hasAddend = table.Type == ElfSectionType.Rela;
        var word = image.Is64 ? 8 : 4;
        var size = hasAddend ? 3 * word : 2 * word;
        var entries = image.Read(table);
        for (var at = 0; at + size <= entries.Length; at += size)
        {
            var entry = entries.AsSpan(at, size);
            var offset = image.Endian.Word(entry, image.Is64);
            var info = image.Endian.Word(entry[word..], image.Is64);
            var (symbol, type) = image.Is64 ? ((uint)(info >> 32), (uint)info) : ((uint)(info >> 8), (uint)(info & 0xff));
            var (operation, bits) = Decode(image.Machine, type);
            if (operation == Operation.None)
            {
                if (type == 0)
                    continue;
                throw new UnsupportedImageException($"relocation type {type} of {image.Machine} in '{table.Name}'");
            }
            if (symbol >= symbols.Count)
                throw new ElfFormatException(table.Name, at, symbol, "relocation against no symbol");
            if (bytes.Length < bits / 8 || offset > (ulong)(bytes.Length - bits / 8))
                throw new ElfFormatException(table.Name, at, offset, $"relocation outside {section.Name}");
            var target = bytes.AsSpan((int)offset, bits / 8);
            var addend = hasAddend ? (long)image.Endian.Word(entry[(2 * word)..], image.Is64) : 0;
            if (!image.Is64 && hasAddend)
                addend = (int)addend;
            var value = symbols[(int)symbol].Value + (ulong)addend;
            if (operation == Operation.Add || !hasAddend)
                value = Get(target, image.Endian) + value;
            else if (operation == Operation.Subtract)
                value = Get(target, image.Endian) - value;
            Put(target, image.Endian, value);
        }
    }

    /// <summary>Types by the processor supplements: x86-64 psABI, AAELF64, s390x ABI, ELFv2, RISC-V psABI, AAELF32, i386 psABI.</summary>
    private static (Operation Operation, int Bits) Decode(ElfMachine machine, uint type) => (machine, type) switch
    {
        (ElfMachine.X8664, 1) => (Operation.Set, 64),
        (ElfMachine.X8664, 10 or 11) => (Operation.Set, 32),
        (ElfMachine.AArch64, 257) => (Operation.Set, 64),
        (ElfMachine.AArch64, 258) => (Operation.Set, 32),
        (ElfMachine.S390, 22) => (Operation.Set, 64),
        (ElfMachine.S390, 4) => (Operation.Set, 32),
        (ElfMachine.Ppc64, 38) => (Operation.Set, 64),
        (ElfMachine.Ppc64, 1) => (Operation.Set, 32),
        (ElfMachine.RiscV, 2) => (Operation.Set, 64),
        (ElfMachine.RiscV, 1) => (Operation.Set, 32),
        (ElfMachine.RiscV, 33) => (Operation.Add, 8),
        (ElfMachine.RiscV, 34) => (Operation.Add, 16),
        (ElfMachine.RiscV, 35) => (Operation.Add, 32),
        (ElfMachine.RiscV, 36) => (Operation.Add, 64),
        (ElfMachine.RiscV, 37) => (Operation.Subtract, 8),
        (ElfMachine.RiscV, 38) => (Operation.Subtract, 16),
        (ElfMachine.RiscV, 39) => (Operation.Subtract, 32),
        (ElfMachine.RiscV, 40) => (Operation.Subtract, 64),
        (ElfMachine.Arm, 2) => (Operation.Set, 32),
        (ElfMachine.I386, 1) => (Operation.Set, 32),
        _ => (Operation.None, 0),
    };

    private static ulong Get(ReadOnlySpan<byte> bytes, EndianReader endian) => bytes.Length switch
    {
        1 => bytes[0],
        2 => endian.U16(bytes),
        4 => endian.U32(bytes),
        _ => endian.U64(bytes),
    };

    private static void Put(Span<byte> bytes, EndianReader endian, ulong value)
    {
        Span<byte> word = stackalloc byte[8];
        if (endian.LittleEndian)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, value);
            word[..bytes.Length].CopyTo(bytes);
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(word, value);
            word[^bytes.Length..].CopyTo(bytes);
        }
    }
}
