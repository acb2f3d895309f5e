using Btf;
using Btf.Elf;

namespace Archive.Extractor;

/// <summary>A vmlinux on disk, without a package that would say what it is.</summary>
/// <param name="Release">What <c>uname -r</c> prints.</param>
public sealed record BareKernel(string Release, string Arch)
{
    /// <summary>How such files' names begin.</summary>
    public const string Name = "vmlinux";

    /// <summary>What the image says of itself; null where it is none, or does not say.</summary>
    public static BareKernel? Read(string path)
    {
        try
        {
            using var image = ElfImage.Open(path);
            return KernelBanner.Find(image) is { } banner ? new BareKernel(KernelBanner.ReleaseOf(banner), KernelArch.NameOf(image)) : null;
        }
        catch (Exception e) when (e is MalformedInputException or UnsupportedImageException)
        {
            return null;
        }
    }
}
