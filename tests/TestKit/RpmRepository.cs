using System.Globalization;
using System.Security.Cryptography;
using System.Xml.Linq;

namespace TestKit;

/// <summary>A small rpm-md repository of a test's own: packages by rpmbuild, indexes by createrepo_c, signed by a throw-away key.</summary>
public sealed class RpmRepository : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly RpmPackages _rpms = new();
    private readonly GpgKey _key = new();
    private int _signed;

    public RpmRepository() => Directory.CreateDirectory(Path.Combine(Root, "Packages"));

    /// <summary>What a web server is to serve: the repository is at its top.</summary>
    public string Root => _folder.File("repository");

    public string Keyring => _key.Keyring;

    public string RepomdPath => Path.Combine(Root, "repodata", "repomd.xml");

    /// <summary>Path of a package below <see cref="Root"/>.</summary>
    public static string PathOf(string name, string version, string release) => $"Packages/{name}-{version}-{release}.x86_64.rpm";

    /// <summary>Adds a debug package with a vmlinux.</summary>
    /// <param name="banner">The release inside the image; the package's by default.</param>
    public void AddKernel(string version, string release, string name = "kernel-debuginfo", string? banner = null, string payload = "w1.gzdio", bool withBtf = true)
    {
        var uname = $"{version}-{release}.x86_64";
        var root = Directory.CreateDirectory(_folder.File($"root-{Guid.NewGuid():n}")).FullName;
        KernelSample.Build(Path.Combine(root, "usr", "lib", "debug", "lib", "modules", uname, "vmlinux"), banner ?? uname, withBtf: withBtf);
        Add(_rpms.Build(name, version, release, root, payload));
    }

    public void Add(string rpm) => File.Copy(rpm, Path.Combine(Root, "Packages", Path.GetFileName(rpm)), overwrite: true);

    /// <summary>Writes and signs the indexes of what was added.</summary>
    /// <param name="options">Of createrepo_c.</param>
    public void Publish(params string[] options)
    {
        Tool.Run("createrepo_c", ["--quiet", .. options, Root]);
        Sign();
    }

    /// <summary>Leaves nothing but the SQLite database as the primary index.</summary>
    public void PublishDatabaseOnly(params string[] options)
    {
        Tool.Run("createrepo_c", ["--quiet", "--database", .. options, Root]);
        Tool.Run("modifyrepo_c", "--remove", "primary", Path.Combine(Root, "repodata"));
        Sign();
    }

    /// <summary>As newer tools write it by default; the one at hand does not know zstd.</summary>
    public void PublishZstd()
    {
        Tool.Run("createrepo_c", "--quiet", "--no-database", "--simple-md-filenames", Root);
        var repodata = Path.Combine(Root, "repodata");
        Tool.Shell($"cd '{repodata}'; gzip -dc primary.xml.gz | zstd -q -o primary.xml.zst");
        var packed = File.ReadAllBytes(Path.Combine(repodata, "primary.xml.zst"));
        var root = XElement.Load(RepomdPath);
        var primary = root.Elements().First(e => e.Attribute("type")?.Value == "primary");
        Child("location").SetAttributeValue("href", "repodata/primary.xml.zst");
        Child("checksum").Value = Convert.ToHexStringLower(SHA256.HashData(packed));
        Child("size").Value = packed.Length.ToString(CultureInfo.InvariantCulture);
        root.Save(RepomdPath);
        Sign();

        XElement Child(string name) => primary.Elements().First(e => e.Name.LocalName == name);
    }

    /// <summary>Signs the index. Its time and the signature's move on with each: HTTP tells times by the second, and tests publish faster.</summary>
    public void Sign()
    {
        _key.SignDetached(RepomdPath);
        var time = DateTime.UtcNow.AddDays(-1).AddMinutes(++_signed);
        File.SetLastWriteTimeUtc(RepomdPath, time);
        File.SetLastWriteTimeUtc(RepomdPath + ".asc", time);
    }

    public void Dispose()
    {
        _key.Dispose();
        _rpms.Dispose();
        _folder.Dispose();
    }
}
