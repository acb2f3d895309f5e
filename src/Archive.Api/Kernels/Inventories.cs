using Archive.Extractor.Inventory;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>The inventories that were published with kernels whose debug information was at hand.</summary>
public sealed class Inventories(IBlobStore blobs)
{
    /// <summary>Text of the largest: a distro's kernel has some 4 MB.</summary>
    private const int MaxTextBytes = 64 << 20;

    /// <summary>As it is stored, .xz; null where the kernel has none.</summary>
    public Task<Stream?> OpenAsync(Publication publication, CancellationToken cancellation) =>
        blobs.OpenReadAsync(BlobPaths.Inventory(publication.Tarball.Sha256), cancellation);

    /// <summary>Null where the kernel has none.</summary>
    /// <exception cref="BlobStoreException">The blob cannot be read.</exception>
    public async Task<KernelInventory?> ReadAsync(Publication publication, CancellationToken cancellation)
    {
        await using var stored = await OpenAsync(publication, cancellation);
        if (stored is null)
            return null;
        try
        {
            await using var text = Codecs.OpenDecoder(stored, "inventory", new DecoderOptions(1, ExtractionLimits.Default.MaxDecoderBytes));
            return KernelInventory.Read(await ReadAsync(text, cancellation));
        }
        catch (Exception defect) when (defect is FormatException or Btf.MalformedInputException)
        {
            throw new BlobStoreException($"inventory of {publication.Tarball.Sha256}: {defect.Message}", defect);
        }
    }

    private static async Task<byte[]> ReadAsync(Stream text, CancellationToken cancellation)
    {
        using var whole = new MemoryStream();
        var piece = new byte[1 << 16];
        for (int read; (read = await text.ReadAsync(piece, cancellation)) > 0;)
        {
            if (whole.Length + read > MaxTextBytes)
                throw new FormatException($"longer than {MaxTextBytes} bytes");
            whole.Write(piece, 0, read);
        }
        return whole.ToArray();
    }
}
