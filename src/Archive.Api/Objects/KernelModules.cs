using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf;
using Btf.Format;

namespace Archive.Api.Objects;

/// <summary>The modules of a kernel as they were archived: split BTF on the kernel's.</summary>
public sealed class KernelModules(IBlobStore blobs)
{
    /// <summary>BTF of one kernel's modules that is held at once; a distro's 6,000 modules have some 60 MB.</summary>
    private const long MaxBytes = 256 << 20;

    /// <summary>Empty where the kernel's modules were not archived, or none of the selected is among them.</summary>
    /// <param name="kernel">What they are split on.</param>
    /// <exception cref="BlobStoreException">The blob is gone or cannot be read.</exception>
    public async Task<IReadOnlyList<BtfBlob>> OpenAsync(Publication publication, ModuleSelection selection, BtfBlob kernel, CancellationToken cancellation)
    {
        if (selection.IsEmpty || publication.Modules is not { } modules)
            return [];
        var key = BlobPaths.Modules(modules.Sha256);
        await using var tarball = await blobs.OpenReadAsync(key, cancellation) ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");
        try
        {
            return Read(tarball, selection, kernel);
        }
        catch (MalformedInputException defect)
        {
            throw new BlobStoreException($"{key}: {defect.Message}", defect);
        }
    }

    private static List<BtfBlob> Read(Stream tarball, ModuleSelection selection, BtfBlob kernel)
    {
        var (opened, size) = (new List<BtfBlob>(), 0L);
        foreach (var (module, btf) in BtfTarball.UnpackModules(tarball, selection.Contains))
        {
            if ((size += btf.Length) > MaxBytes)
                throw new BlobStoreException($"modules up to {module} have {size} bytes of BTF; {MaxBytes} are held at once");
            opened.Add(BtfBlob.Parse(btf, kernel));
        }
        return opened;
    }
}
