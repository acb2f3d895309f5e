namespace TestKit;

/// <summary>A real BPF object.</summary>
/// <param name="Name">Where it is from, and its name there: <c>bookworm-amd64/execsnoop</c>.</param>
public sealed record BpfObjectFile(string Name, string Path)
{
    public byte[] Bytes() => File.ReadAllBytes(Path);

    public override string ToString() => Name;

    /// <summary>The objects in a folder, by name.</summary>
    internal static IEnumerable<BpfObjectFile> In(string folder, string origin) =>
        Directory.EnumerateFiles(folder, "*.o").Order(StringComparer.Ordinal)
            .Select(path => new BpfObjectFile($"{origin}/{System.IO.Path.GetFileNameWithoutExtension(path)}", path));
}
