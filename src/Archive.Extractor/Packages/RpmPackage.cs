namespace Archive.Extractor.Packages;

/// <summary>
/// An RPM package (rpm: docs/manual/format_v3.md, format_v4.md), read once from its start: lead, signature header, header, and the
/// cpio archive that is its payload, compressed with whatever its first bytes say.
/// </summary>
public sealed class RpmPackage : IPackage
{
    private const int LeadBytes = 96;
    private readonly ExpansionGuard _payload;

    private RpmPackage(RpmHeader signature, RpmHeader header, ExpansionGuard payload, IPackedFiles files) =>
        (Signature, Header, _payload, Files) = (signature, header, payload, files);

    public RpmHeader Signature { get; }

    public RpmHeader Header { get; }

    public IPackedFiles Files { get; }

    /// <summary>Reads up to the beginning of the payload. The source is not closed.</summary>
    /// <exception cref="PackageFormatException">Not an RPM package that we read.</exception>
    /// <exception cref="UnsupportedImageException">A payload that is no cpio archive, or a delta.</exception>
    public static RpmPackage Open(Stream source, ExtractionLimits limits, int threads)
    {
        var (signature, header) = ReadHeaders(source);
        if (header.Text(RpmTag.PayloadFormat) is { } format and not "cpio")
            throw new UnsupportedImageException($"an RPM package with a payload of format '{format}'");
        var member = $"payload of {header.Text(RpmTag.Name)}";
        var decoder = Codecs.OpenDecoder(source, member, new DecoderOptions(threads, limits.MaxDecoderBytes));
        var guard = new ExpansionGuard(decoder, limits);
        return new RpmPackage(signature, header, guard, new CpioFileReader(guard, member, limits.MaxEntries, () => RpmFiles.Of(header)));
    }

    /// <summary>Lead, signature header and header; the source stands at the payload then.</summary>
    public static (RpmHeader Signature, RpmHeader Header) ReadHeaders(Stream source)
    {
        var lead = new byte[LeadBytes];
        if (source.ReadAtLeast(lead, LeadBytes, throwOnEndOfStream: false) < LeadBytes || !lead.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xed, 0xab, 0xee, 0xdb]))
            throw new PackageFormatException("package", 0, lead[0], "has no lead of an RPM package");
        if (lead[4] is not (3 or 4))
            throw new UnsupportedImageException($"an RPM package of version {lead[4]}");
        var signature = RpmHeader.Read(source, "signature");
        Skip(source, -signature.Bytes.Length & 7);
        return (signature, RpmHeader.Read(source, "header"));
    }

    public void Dispose() => _payload.Dispose();

    /// <summary>The header begins at a multiple of eight bytes.</summary>
    private static void Skip(Stream source, int count)
    {
        Span<byte> padding = stackalloc byte[8];
        if (source.ReadAtLeast(padding[..count], count, throwOnEndOfStream: false) < count)
            throw new PackageFormatException("package", 0, null, "ends behind the signature");
    }
}
