using System.Buffers.Binary;
using Archive.Extractor.Packages;
using Btf;
using Btf.Elf;

namespace Archive.Extractor.Vmlinuz;

/// <summary>A kernel out of its boot image.</summary>
/// <param name="Form">The boot image's form, its compression, and so on inwards: "bzImage lz4".</param>
/// <param name="Arch">Canonical architecture where the headers told it.</param>
/// <param name="IsElf">An ELF image, else what is put into memory.</param>
/// <param name="Bytes">May end with what the boot needs behind the kernel, such as x86's relocations.</param>
internal sealed record UnpackedKernel(string Form, string? Arch, bool IsElf, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// Takes the kernel out of a boot image: by its header where that tells the place (x86, EFI zboot), by the compression's
/// magic where it does not (s390, arm), and through several wrappings (a zboot in gzip). Everything is in memory; what may
/// come of it is bounded by <see cref="ExtractionLimits"/>.
/// </summary>
internal sealed class BootImageReader(ExtractionLimits limits, CancellationToken cancellation)
{
    /// <summary>Section of the wrapper that ppc64 boots (arch/powerpc/boot/wrapper).</summary>
    public const string PowerPcPayload = ".kernel:vmlinux.strip";

    private const int MaxWrappings = 3;

    /// <summary>What may come of all attempts together, for each byte of the image and at least. Kernels expand to six times their size at most.</summary>
    private const int MaxSearchedExpansion = 32;
    private const long AlwaysSearchedBytes = 8 << 20;

    /// <summary>No kernel is so small that its ratio says nothing past this (see <see cref="ExtractionLimits.RatioFreeBytes"/>).</summary>
    private const long RatioFreeBytes = 8 << 20;

    /// <summary>A kernel becomes two to six times its compressed size.</summary>
    private const long UsualExpansion = 8;

    /// <summary>Most attempts of a search fail at once.</summary>
    private const int SearchBytes = 64 << 10;

    private long _decoded;

    /// <exception cref="MalformedInputException">The image is malformed, or beyond a limit.</exception>
    /// <exception cref="UnsupportedImageException">It uses something that we do not read.</exception>
    public UnpackedKernel Unpack(ReadOnlyMemory<byte> image) => Unpack(image, "", null, MaxWrappings);

    private UnpackedKernel Unpack(ReadOnlyMemory<byte> image, string outer, string? outerArch, int wrappings)
    {
        cancellation.ThrowIfCancellationRequested();
        if (wrappings < 0)
            throw new VmlinuzFormatException(outer, 0, null, $"more than {MaxWrappings} wrappings");
        var header = BootImage.Read(image.Span);
        var arch = header.Arch ?? outerArch;
        return header.Place switch
        {
            KernelPlace.Payload => UnpackPayload(image, header, outer, arch, wrappings),
            KernelPlace.Somewhere when wrappings == MaxWrappings => Search(image, header.Form, arch),
            KernelPlace.Elf when PowerPcWrapped(image) is { } payload => Unpack(payload, Join(outer, "zImage"), arch, wrappings - 1),
            // What was packed and has no header that we know is what is put into memory: s390's and arm's kernels.
            KernelPlace.Somewhere => new(outer, arch, IsElf: false, image),
            KernelPlace.Elf => new(outer, arch, IsElf: true, image),
            _ => new(Join(outer, header.Form), arch, IsElf: false, image),
        };
    }

    private UnpackedKernel UnpackPayload(ReadOnlyMemory<byte> image, BootImage header, string outer, string? arch, int wrappings)
    {
        var payload = image.Slice(header.Offset, header.Length);
        var form = Join(outer, header.Form);
        var codec = Codecs.Detect(payload.Span);
        if (codec == Codec.None)
            throw new UnsupportedImageException($"{form} with a payload that begins with 0x{BinaryPrimitives.ReadUInt32BigEndian(payload.Span):x8}");
        uint? size = header.EndsWithSize ? BinaryPrimitives.ReadUInt32LittleEndian(payload.Span[^4..]) : null;
        var kernel = Decode(payload, $"{form} payload", Math.Min(size ?? long.MaxValue, payload.Length * UsualExpansion), limits.MaxKernelBytes);
        if (size is not null && size != kernel.Length)
            throw new VmlinuzFormatException($"{form} payload", payload.Length - 4, size, $"{kernel.Length} bytes came out of it");
        return Unpack(kernel, Join(form, NameOf(codec)), arch, wrappings - 1);
    }

    private UnpackedKernel Search(ReadOnlyMemory<byte> image, string form, string? arch)
    {
        MalformedInputException? last = null;
        var room = Math.Min(limits.MaxKernelBytes, AlwaysSearchedBytes + ((long)MaxSearchedExpansion * image.Length));
        foreach (var offset in PayloadSearch.Candidates(image.Span))
        {
            var payload = image[offset..];
            if (_decoded >= room)
                break;
            try
            {
                var kernel = Decode(payload, $"{form} at 0x{offset:x}", SearchBytes, room - _decoded);
                if (PayloadSearch.IsKernel(kernel))
                    return Unpack(kernel, Join(form, NameOf(Codecs.Detect(payload.Span))), arch, MaxWrappings - 1);
            }
            catch (MalformedInputException problem)
            {
                last = problem;
            }
        }

        // An s390 kernel can be configured to boot uncompressed.
        if (arch is not null && PayloadSearch.IsKernel(image))
            return new(form, arch, IsElf: false, image);
        throw new VmlinuzFormatException(form == "unknown" ? "image" : form, 0, Start(image.Span), "is no kernel image of a form that we know, and holds none", last);
    }

    /// <param name="expected">Bytes that will come of it, so that memory is not allocated in steps.</param>
    /// <param name="most">Bytes that may come of it.</param>
    private ReadOnlyMemory<byte> Decode(ReadOnlyMemory<byte> payload, string name, long expected, long most)
    {
        using var source = WholeStream.Over(payload);
        var options = new DecoderOptions(1, limits.MaxDecoderBytes) { FirstStreamOnly = true };
        using var decoder = new ExpansionGuard(
            Codecs.OpenDecoder(source, name, options),
            limits with { MaxExpandedBytes = most, RatioFreeBytes = Math.Min(limits.RatioFreeBytes, RatioFreeBytes) });
        try
        {
            return WholeStream.Read(decoder, expected, cancellation);
        }
        finally
        {
            _decoded += decoder.Expanded;
        }
    }

    private static byte[]? PowerPcWrapped(ReadOnlyMemory<byte> image)
    {
        using var elf = ElfImage.FromBytes(image);
        return elf.Find(PowerPcPayload) is { HasBytes: true } section ? elf.Read(section) : null;
    }

    private static string NameOf(Codec codec) => codec.ToString().ToLowerInvariant();

    private static string Join(string outer, string inner) => outer.Length == 0 ? inner : inner.Length == 0 ? outer : $"{outer} {inner}";

    private static ulong? Start(ReadOnlySpan<byte> image) => image.Length < 8 ? null : BinaryPrimitives.ReadUInt64BigEndian(image);
}
