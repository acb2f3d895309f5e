using Archive.Store.Kernels;

namespace StoreCrashHost;

public static class Builds
{
    public const string PackageName = "linux-image-dbg";
    public const string PackageVersion = "6.1.171-1";

    public static KernelBuild Of(string uname) => new()
    {
        Key = new KernelKey("debian", "12", "x86_64", uname),
        PackageName = PackageName,
        PackageVersion = PackageVersion,
        PackageSha256 = new string('a', 64),
        PackageSize = 1,
        PackageUrl = new Uri("http://mirror.example/a.deb"),
    };

    public static Publication Publication(StoredForm form) => new()
    {
        TakenFrom = "dwarf",
        ShipsBtf = false,
        PublishedAt = DateTimeOffset.UnixEpoch,
        Raw = form,
        Tarball = form,
        Provenance = form,
    };
}
