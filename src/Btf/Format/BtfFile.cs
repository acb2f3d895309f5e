namespace Btf.Format;

/// <summary>Opens BTF by path.</summary>
public static class BtfFile
{
    /// <param name="path">Raw BTF.</param>
    /// <param name="baseBtf">The base, if this is split BTF.</param>
    /// <exception cref="MalformedInputException">The file holds no BTF that can be read.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static BtfBlob Open(string path, BtfBlob? baseBtf = null) => BtfBlob.Parse(File.ReadAllBytes(path), baseBtf);
}
