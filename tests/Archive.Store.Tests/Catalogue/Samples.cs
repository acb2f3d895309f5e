using Archive.Store.Kernels;

namespace Archive.Store.Tests.Catalogue;

/// <summary>Builds and publications that differ where a test says so.</summary>
internal static class Samples
{
    public static KernelBuild Build(string uname = "6.1.0-56-cloud-amd64", string version = "6.1.171-1", string arch = "x86_64", string release = "12") => new()
    {
        Key = new KernelKey("debian", release, arch, uname),
        PackageName = $"linux-image-{uname}-dbg",
        PackageVersion = version,
        PackageSha256 = Digest('p'),
        PackageSize = 5_000_000_000,
        PackageUrl = new Uri("http://mirror.example/debian/pool/main/l/linux/linux-image+dbg_6.1~1_amd64.deb"),
    };

    public static Publication Publication(char mark = 'a') => new()
    {
        BuildId = $"build-{mark}",
        TakenFrom = "dwarf",
        ShipsBtf = true,
        PublishedAt = new DateTimeOffset(2026, 11, 21, 5, 0, 0, 123, TimeSpan.Zero),
        Raw = new StoredForm(Digest(mark), 5_000_000_001),
        Tarball = new StoredForm("tar-" + Digest(mark), 2),
        Provenance = new StoredForm("prov-" + Digest(mark), 3),
    };

    public static string Digest(char mark) => new(mark, 60);
}
