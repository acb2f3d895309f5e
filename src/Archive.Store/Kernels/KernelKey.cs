namespace Archive.Store.Kernels;

/// <summary>
/// The place of a kernel in the tree: <c>{distro}/{version}/{arch}/{uname}</c>. Every part is a canonical name
/// (see <see cref="KernelNames"/>) and a safe path segment; the constructor refuses anything else, so that names
/// from packages and requests never become paths unchecked.
/// </summary>
public sealed record KernelKey
{
    public KernelKey(string distro, string version, string arch, string uname)
    {
        Distro = SafeSegment.Check(distro, nameof(distro));
        Version = SafeSegment.Check(version, nameof(version));
        Arch = SafeSegment.Check(arch, nameof(arch));
        Uname = SafeSegment.Check(uname, nameof(uname));
    }

    public string Distro { get; }

    /// <summary>os-release's VERSION_ID, such as <c>12</c>; codenames are aliases.</summary>
    public string Version { get; }

    public string Arch { get; }

    /// <summary>What <c>uname -r</c> prints.</summary>
    public string Uname { get; }

    /// <summary>Distros, versions and archs are few.</summary>
    public override int GetHashCode() => string.GetHashCode(Uname, StringComparison.Ordinal);

    public override string ToString() => $"{Distro}/{Version}/{Arch}/{Uname}";
}
