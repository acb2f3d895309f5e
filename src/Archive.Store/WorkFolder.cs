using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Archive.Store.Kernels;

namespace Archive.Store;

/// <summary>
/// Scratch space for downloads and extractions, one folder a kernel build. Entering is also how two crawls at once
/// share the work: whoever holds a build's folder works on it, the other goes on.
/// </summary>
public sealed class WorkFolder
{
    private const int ReadableLength = 100;
    private readonly string _path;

    /// <summary>Opens the folder and removes what killed processes left in it.</summary>
    public WorkFolder(string path)
    {
        _path = path;
        LockedFolder.Sweep(path);
    }

    /// <summary>The empty folder of this name, held until disposed; null where another live holder has it.</summary>
    public LockedFolder? TryEnter(string name) => LockedFolder.TryEnter(_path, name);

    /// <summary>The empty folder of this build, held until disposed; null where another live holder has it.</summary>
    public LockedFolder? TryEnter(KernelBuild build) => TryEnter(NameOf(build));

    /// <summary>Readable, short enough for any file system, and different for every build.</summary>
    private static string NameOf(KernelBuild build)
    {
        var identity = string.Create(CultureInfo.InvariantCulture, $"{build.Key}/{build.PackageName}/{build.PackageVersion}");
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..16];
        var uname = build.Key.Uname;
        return $"{uname[..Math.Min(uname.Length, ReadableLength)]}-{digest}";
    }
}
