using System.IO.MemoryMappedFiles;

namespace Fuzz;

/// <summary>
/// The input that a worker is busy with, in a mapped file: what kills the process (a stack overflow, a fault in a native
/// library) leaves it behind, and the next campaign finds it there.
/// </summary>
internal sealed class InFlight : IDisposable
{
    private const int Capacity = 4 + 4 * Mutation.ByteMutations.MaxBytes;
    private static readonly string Folder = Path.Combine(Path.GetTempPath(), "btf-fuzz");
    private readonly string _path;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public InFlight(string target, int worker)
    {
        Directory.CreateDirectory(Folder);
        _path = Path.Combine(Folder, $"{target}.{Environment.ProcessId}.{worker}");
        _file = MemoryMappedFile.CreateFromFile(_path, FileMode.Create, null, Capacity);
        _view = _file.CreateViewAccessor();
    }

    public void Set(byte[] input)
    {
        _view.Write(0, Math.Min(input.Length, Capacity - 4));
        _view.WriteArray(4, input, 0, Math.Min(input.Length, Capacity - 4));
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
        File.Delete(_path);
    }

    /// <summary>What dead campaigns on a target left, which is thereby taken away.</summary>
    public static IEnumerable<byte[]> TakeLeft(string target)
    {
        if (!Directory.Exists(Folder))
            yield break;
        foreach (var path in Directory.GetFiles(Folder, target + ".*").Where(path => !IsAlive(path)))
        {
            var bytes = File.ReadAllBytes(path);
            File.Delete(path);
            if (BitConverter.ToInt32(bytes) is > 0 and var length)
                yield return bytes[4..(4 + length)];
        }
    }

    private static bool IsAlive(string path) => Directory.Exists($"/proc/{path.Split('.')[^2]}");
}
