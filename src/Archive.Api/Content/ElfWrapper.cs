using System.Buffers.Binary;
using Archive.Store.Blobs;

namespace Archive.Api.Content;

/// <summary>
/// Raw BTF as the section <c>.BTF</c> of an ELF file without segments: what libbpf, bpftool and coolbpf's clients take for a
/// vmlinux. Byte order is the BTF's, class and machine the kernel's.
/// </summary>
internal static class ElfWrapper
{
    private const ushort LittleEndianMagic = 0xeb9f; // BTF_MAGIC
    private const ushort TypeExecutable = 2; // ET_EXEC, as a vmlinux is
    private const uint SectionProgramBits = 1, SectionStringTable = 3;
    private const uint Alignment = 4;
    private static readonly byte[] Names = "\0.BTF\0.shstrtab\0"u8.ToArray();
    private const uint BtfName = 1, NamesName = 6;

    /// <param name="arch">Canonical; one that is not known gets EM_NONE.</param>
    /// <param name="btf">Seekable, read from its start.</param>
    /// <exception cref="BlobStoreException">It does not begin as BTF does.</exception>
    public static void Write(Stream target, Stream btf, string arch)
    {
        Span<byte> magic = stackalloc byte[2];
        btf.ReadExactly(magic);
        var isBig = BinaryPrimitives.ReadUInt16BigEndian(magic) == LittleEndianMagic;
        if (!isBig && BinaryPrimitives.ReadUInt16LittleEndian(magic) != LittleEndianMagic)
            throw new BlobStoreException($"stored BTF begins with {Convert.ToHexString(magic)}");
        btf.Position = 0;
        var (machine, is64) = MachineOf(arch);
        var layout = new Layout(is64, isBig, btf.Length);
        target.Write(Header(layout, machine));
        btf.CopyTo(target);
        target.Write(Names);
        target.Write(new byte[layout.TablePadding]);
        target.Write(SectionTable(layout));
    }

    /// <summary>e_machine of <c>elf.h</c>.</summary>
    private static (ushort Machine, bool Is64) MachineOf(string arch) => arch switch
    {
        "x86_64" => (62, true),
        "arm64" => (183, true),
        "s390x" => (22, true),
        "ppc64le" => (21, true),
        "riscv64" => (243, true),
        "loongarch64" or "loong64" => (258, true),
        "armhf" or "armel" => (40, false),
        "i386" => (3, false),
        _ => (0, true),
    };

    private static byte[] Header(Layout layout, ushort machine)
    {
        var header = new FieldWriter(layout);
        header.Bytes([0x7f, (byte)'E', (byte)'L', (byte)'F', (byte)(layout.Is64 ? 2 : 1), (byte)(layout.IsBig ? 2 : 1), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        header.Half(TypeExecutable).Half(machine).Word(1);
        header.Address(0).Address(0).Address(layout.TableOffset); // entry, segments, sections
        header.Word(0).Half((ushort)layout.HeaderBytes).Half(0).Half(0);
        return header.Half((ushort)layout.EntryBytes).Half(3).Half(2).ToArray();
    }

    private static byte[] SectionTable(Layout layout)
    {
        var table = new FieldWriter(layout);
        Entry(0, 0, 0, 0, 0);
        Entry(BtfName, SectionProgramBits, layout.HeaderBytes, layout.BtfBytes, Alignment);
        Entry(NamesName, SectionStringTable, layout.HeaderBytes + layout.BtfBytes, Names.Length, 1);
        return table.ToArray();

        void Entry(uint name, uint type, long offset, long size, long alignment) =>
            table.Word(name).Word(type).Address(0).Address(0).Address(offset).Address(size).Word(0).Word(0).Address(alignment).Address(0);
    }

    private readonly record struct Layout(bool Is64, bool IsBig, long BtfBytes)
    {
        public int HeaderBytes => Is64 ? 64 : 52;

        public int EntryBytes => Is64 ? 64 : 40;

        private long NamesEnd => HeaderBytes + BtfBytes + Names.Length;

        public int TablePadding => (int)(-NamesEnd & 7);

        public long TableOffset => NamesEnd + TablePadding;
    }

    /// <summary>Fields in the file's byte order and class.</summary>
    private sealed class FieldWriter(Layout layout)
    {
        private readonly List<byte> _bytes = [];

        public FieldWriter Half(ushort value) => Bytes(BitConverter.GetBytes(layout.IsBig == BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value));

        public FieldWriter Word(uint value) => Bytes(BitConverter.GetBytes(layout.IsBig == BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value));

        public FieldWriter Address(long value) => layout.Is64
            ? Bytes(BitConverter.GetBytes(layout.IsBig == BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value))
            : Word((uint)value);

        public FieldWriter Bytes(byte[] bytes)
        {
            _bytes.AddRange(bytes);
            return this;
        }

        public byte[] ToArray() => [.. _bytes];
    }
}
