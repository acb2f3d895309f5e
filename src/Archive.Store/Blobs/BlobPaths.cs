using Archive.Store.Kernels;

namespace Archive.Store.Blobs;

/// <summary>The one place that builds blob keys.</summary>
public static class BlobPaths
{
    /// <summary>The tree that plain web servers and btfhub's clients read: the newest build under this uname.</summary>
    public static string Tree(KernelKey key) => $"{key}.btf.tar.xz";

    /// <summary>The same bytes under the digest of the tarball: never replaced, so what a catalogue row names stays readable.</summary>
    public static string Tarball(string sha256) => $"by-digest/{sha256[..2]}/{sha256}.btf.tar.xz";

    /// <summary>Provenance of one build, by the digest of its tarball.</summary>
    public static string Provenance(string tarballSha256) => $"by-digest/{tarballSha256[..2]}/{tarballSha256}.provenance.json";

    /// <summary>Inventory of one build (functions, symbols, tracepoints), by the digest of its tarball.</summary>
    public static string Inventory(string tarballSha256) => $"by-digest/{tarballSha256[..2]}/{tarballSha256}.inventory.xz";

    /// <summary>Split BTF of a build's modules, by its own digest: kernels of the same BTF may differ in their modules.</summary>
    public static string Modules(string sha256) => $"by-digest/{sha256[..2]}/{sha256}.modules.tar.xz";

    /// <summary>Modules of the build that the tree serves.</summary>
    public static string TreeModules(KernelKey key) => $"{key}.modules.tar.xz";

    /// <summary>Inventory of the build that the tree serves.</summary>
    public static string TreeInventory(KernelKey key) => $"{key}.inventory.xz";

    /// <summary>Provenance of the build that the tree serves.</summary>
    public static string TreeProvenance(KernelKey key) => $"{key}.btf.json";

    /// <summary>What was withdrawn and why, in place of the tarball of this digest.</summary>
    public static string Tombstone(string tarballSha256) => $"by-digest/{tarballSha256[..2]}/{tarballSha256}.withdrawn";
}
