using System.Security.Cryptography;
using System.Text;
using Archive.EndToEnd.Tests.CoRe;
using Archive.Extractor.Packages;
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The real service over an archive of real kernels, one of them at two places with different BTF.</summary>
public sealed class HostArchive : IDisposable
{
    public const string Uname = "6.1.0-56-cloud-amd64", BuildId = "5ed1c1f0b0a4b2f5d1f3e0c9a8b7d6e5f4a3b2c1";
    public const string Older = "5.10.0-32-cloud-amd64", Ambiguous = "5.14.0-1-custom";

    private readonly TempFolder _folder = new();

    public HostArchive()
        : this(Uname, BuildId)
    {
    }

    /// <param name="uname">What bookworm's kernel is published as.</param>
    /// <param name="buildId">Its build-id, where hosts are to be told by it.</param>
    internal HostArchive(string uname, string? buildId = null)
    {
        using (var store = ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = Data }, TimeProvider.System, default).GetAwaiter().GetResult())
        {
            Publish(store, new KernelKey("debian", "12", "x86_64", uname), Bookworm, buildId);
            Publish(store, new KernelKey("debian", "11", "x86_64", Older), Bullseye);
            Publish(store, new KernelKey("debian", "12", "x86_64", Ambiguous), Bookworm);
            Publish(store, new KernelKey("ubuntu", "22.04", "x86_64", Ambiguous), Bullseye);
        }
        Process = ArchiveProcess.Start(Data, "--Roles:Crawler=false");
        _ = Process.WaitForKernel(TimeSpan.FromMinutes(1));
    }

    internal static byte[] Bookworm => RealKernels.Bookworm.Btf();

    internal static byte[] Bullseye => RealKernels.All.Single(kernel => kernel.Name == "bullseye-cloud-amd64").Btf();

    internal ArchiveProcess Process { get; }

    public string Data => _folder.File("data");

    public string Url => Process.Address.ToString().TrimEnd('/');

    /// <summary>Blobs first, the catalogue's row last.</summary>
    private static void Publish(ArchiveStore store, KernelKey key, byte[] btf, string? buildId = null)
    {
        var (tarball, provenance) = (BtfTarball.Pack(key.Uname, btf, 1), Encoding.UTF8.GetBytes("{}"));
        var build = new KernelBuild
        {
            Key = key,
            PackageName = $"linux-image-{key.Uname}",
            PackageVersion = "1",
            PackageSha256 = new string('a', 64),
            PackageSize = 1000,
            PackageUrl = new Uri("http://mirror.example/package.deb"),
        };
        var publication = new Publication
        {
            BuildId = buildId,
            TakenFrom = "btf",
            ShipsBtf = true,
            PublishedAt = DateTimeOffset.UtcNow,
            Raw = FormOf(btf),
            Tarball = FormOf(tarball),
            Provenance = FormOf(provenance),
        };
        store.Blobs.PutAsync(BlobPaths.Tarball(publication.Tarball.Sha256), new MemoryStream(tarball), PutMode.Replace, default).GetAwaiter().GetResult();
        store.Blobs.PutAsync(BlobPaths.Provenance(publication.Tarball.Sha256), new MemoryStream(provenance), PutMode.Replace, default).GetAwaiter().GetResult();
        store.Catalogue.RecordPublicationAsync(build, publication, default).GetAwaiter().GetResult();
    }

    private static StoredForm FormOf(byte[] bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length);

    public void Dispose()
    {
        Process.Dispose();
        _folder.Dispose();
    }
}
