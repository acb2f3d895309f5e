using System.Buffers.Binary;
using Btf;
using Btf.Format;
using Btf.Format.Validation;

namespace Archive.Extractor.Vmlinuz;

/// <summary>
/// A kernel as it is put into memory (arm64, riscv64, s390x, arm, loong64): no sections are left, but their content is there in
/// the linker's order (<c>include/asm-generic/vmlinux.lds.h</c>, RO_DATA), in which the notes come right before the BTF.
/// </summary>
internal sealed class RawKernel(ReadOnlyMemory<byte> memory)
{
    /// <summary>Bytes of alignment and notes (Xen's are the longest) between the build-id and the BTF.</summary>
    private const int NotesBytes = 4096;

    /// <summary>Headers that are followed up, longest first: BPF objects inside a kernel have BTF too.</summary>
    private const int MaxHeaders = 64;

    /// <summary>Magics that are looked at; a kernel has some ten, nearly all by chance.</summary>
    private const int MaxMagics = 4096;

    private const int BuildIdType = 3;
    private static readonly byte[] GnuName = "GNU\0"u8.ToArray();

    /// <summary>The kernel's own BTF.</summary>
    /// <exception cref="NoDebugInfoException">There is none.</exception>
    /// <exception cref="BtfFormatException">There is something of a kernel's size that is broken.</exception>
    public RawBtf FindBtf()
    {
        BtfFormatException? problem = null;
        foreach (var (start, length) in Headers().OrderByDescending(found => found.Length).Take(MaxHeaders))
        {
            try
            {
                var bytes = memory.Slice(start, length);
                BtfValidator.Validate(BtfBlob.Parse(bytes));
                return new RawBtf(start, bytes.ToArray());
            }
            catch (BtfFormatException e)
            {
                problem ??= length >= PublicationChecks.MinBytes ? e : null;
            }
        }

        throw problem ?? (Exception)new NoDebugInfoException("the kernel in the boot image has no BTF");
    }

    public string? Banner => KernelBanner.Find(memory.Span);

    /// <summary>The GNU build-id that stands before the BTF, lower-case hex; null if none does. Those of vDSOs are elsewhere.</summary>
    public string? BuildId(RawBtf btf)
    {
        var notes = memory.Span[Math.Max(0, btf.Offset - NotesBytes)..btf.Offset];
        for (var at = notes.LastIndexOf(GnuName); at >= 0; at = notes[..at].LastIndexOf(GnuName))
        {
            if (BuildIdAt(notes, at, btf.IsBigEndian) is { } id)
                return id;
        }
        return null;
    }

    /// <summary>gABI, Note Section: sizes of name and descriptor, type, name, descriptor.</summary>
    private static string? BuildIdAt(ReadOnlySpan<byte> notes, int nameAt, bool bigEndian)
    {
        if (nameAt < 12 || Word(nameAt - 12, notes) != GnuName.Length || Word(nameAt - 4, notes) != BuildIdType)
            return null;
        var size = Word(nameAt - 8, notes);
        var start = nameAt + GnuName.Length;
        return size is >= 8 and <= 64 && size <= notes.Length - start ? Convert.ToHexStringLower(notes.Slice(start, (int)size)) : null;

        uint Word(int at, ReadOnlySpan<byte> bytes) =>
            bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
    }

    private List<(int Start, int Length)> Headers()
    {
        var found = new List<(int, int)>();
        foreach (var magic in (byte[][])[[0x9f, 0xeb, BtfWire.Version, 0], [0xeb, 0x9f, BtfWire.Version, 0]])
        {
            var seen = 0;
            for (var at = 0; seen++ < MaxMagics && memory.Span[at..].IndexOf(magic) is >= 0 and var next; at += next + 1)
            {
                if (LengthAt(at + next) is { } length)
                    found.Add((at + next, length));
            }
        }

        return found;
    }

    /// <summary>Bytes of the BTF whose header stands here; null where the magic is one by chance.</summary>
    private int? LengthAt(int start)
    {
        try
        {
            var header = BtfHeader.Parse(memory.Span[start..]);
            return header.Types.Length > 0 && header.Strings.Length > 0 ? header.End : null;
        }
        catch (BtfFormatException)
        {
            return null;
        }
    }
}

/// <param name="Offset">In the kernel's memory.</param>
internal sealed record RawBtf(int Offset, byte[] Bytes)
{
    public bool IsBigEndian => Bytes[0] == 0xeb;
}
