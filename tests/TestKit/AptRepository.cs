namespace TestKit;

/// <summary>
/// A small APT repository of a test's own: packages by dpkg-deb, indexes by apt-ftparchive, signed by a throw-away key.
/// A package holds a program that looks like a kernel to the archive: it has a banner, task_struct and sk_buff, DWARF and,
/// unless told otherwise, a .BTF section.
/// </summary>
public sealed class AptRepository : IDisposable
{
    private const string Suite = "bookworm";
    private readonly TempFolder _folder = new();
    private readonly string _gpgHome;
    private int _published;

    public AptRepository()
    {
        _gpgHome = Directory.CreateDirectory(_folder.File("gnupg")).FullName;
        File.SetUnixFileMode(_gpgHome, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Gpg("--batch", "--passphrase", "", "--quick-generate-key", "test@example.org", "ed25519", "sign", "never");
        Gpg("--output", Keyring, "--export");
        Directory.CreateDirectory(Path.Combine(Root, "pool"));
    }

    /// <summary>What a web server is to serve.</summary>
    public string Root => _folder.File("repository");

    public string Keyring => _folder.File("keyring.gpg");

    public string InReleasePath => Path.Combine(Root, "dists", Suite, "InRelease");

    /// <summary>Path of the package below <see cref="Root"/>.</summary>
    public static string PathOf(string uname, string version = "6.1.99-1") => $"pool/linux-image-{uname}-dbg_{version}_amd64.deb";

    /// <summary>Adds <c>linux-image-UNAME-dbg</c>.</summary>
    /// <param name="banner">The release inside the image; the package's by default.</param>
    /// <param name="marker">Makes images differ: a struct of this name is in it.</param>
    /// <param name="spoil">Cut the modules in half.</param>
    /// <param name="modules">Modules with split BTF where the kernel has BTF, else with DWARF; they are packed before the kernel, as Debian does since trixie.</param>
    public void AddKernel(string uname, string version = "6.1.99-1", bool withBtf = true, string? banner = null, string marker = "marker", IReadOnlyList<string>? modules = null, bool spoil = false)
    {
        var build = NewBuild();
        var folder = Path.Combine(build, "root", "usr", "lib", "debug", "lib", "modules", uname);
        var image = modules is null ? Path.Combine(build, "root", "usr", "lib", "debug", "boot", $"vmlinux-{uname}") : Path.Combine(folder, "vmlinux");
        KernelSample.Build(image, banner ?? uname, marker, withBtf);
        foreach (var module in modules ?? [])
            AddModule(Path.Combine(folder, "kernel", $"{module}.ko"), withBtf ? image : null, spoil);
        Pack(build, $"linux-image-{uname}-dbg", version);
    }

    /// <summary>Adds <c>linux-image-UNAME</c>, with a compressed kernel that is stripped but for its BTF.</summary>
    /// <param name="modules">Modules with split BTF: in the package itself, or in <paramref name="modulesPackage"/>.</param>
    public void AddImage(string uname, string version = "6.1.99-1", bool withBtf = true, IReadOnlyList<string>? modules = null, string? modulesPackage = null)
    {
        var build = NewBuild();
        var kernel = Path.Combine(build, "vmlinux");
        KernelSample.Build(kernel, uname, "marker", withBtf);
        var other = modulesPackage is null ? build : NewBuild();
        foreach (var module in modules ?? [])
            KernelSample.BuildModule(Path.Combine(other, "root", "usr", "lib", "modules", uname, "kernel", $"{module}.ko"), kernel);
        Directory.CreateDirectory(Path.Combine(build, "root", "boot"));
        Tool.Shell($"strip --strip-debug '{kernel}'; gzip -9nc '{kernel}' > '{build}/root/boot/vmlinuz-{uname}'");
        Pack(build, $"linux-image-{uname}", version);
        if (modulesPackage is not null)
            Pack(other, modulesPackage, version);
    }

    /// <summary>Adds many kernels that differ in their release alone, half of them without BTF, in a fraction of the time that each would take to compile.</summary>
    public void AddAlikeKernels(int count)
    {
        var patterns = new[] { AlikePattern(withBtf: true), AlikePattern(withBtf: false) };
        Parallel.For(0, count, ParallelLoop.Bounded, i =>
        {
            var build = NewBuild();
            var uname = AlikeUname(i);
            var folder = Directory.CreateDirectory(Path.Combine(build, "root", "usr", "lib", "debug", "boot")).FullName;
            File.WriteAllBytes(Path.Combine(folder, $"vmlinux-{uname}"), EqualLength.Replace(patterns[i % 2], AlikeUname(0), uname));
            Pack(build, $"linux-image-{uname}-dbg", "6.1.99-1", "gzip");
        });
    }

    private static string AlikeUname(int number) => $"6.1.0-{number:d4}-amd64";

    private byte[] AlikePattern(bool withBtf)
    {
        var image = Path.Combine(NewBuild(), "vmlinux");
        KernelSample.Build(image, AlikeUname(0), "marker", withBtf);
        return File.ReadAllBytes(image);
    }

    private static void AddModule(string file, string? kernel, bool spoil)
    {
        KernelSample.BuildModule(file, kernel);
        if (spoil)
            File.WriteAllBytes(file, File.ReadAllBytes(file)[..(int)(new FileInfo(file).Length / 2)]);
    }

    private string NewBuild() => Directory.CreateDirectory(_folder.File($"build-{Guid.NewGuid():n}")).FullName;

    private void Pack(string build, string package, string version, string compression = "xz")
    {
        var control = Directory.CreateDirectory(Path.Combine(build, "root", "DEBIAN")).FullName;
        File.WriteAllText(Path.Combine(control, "control"), $"""
            Package: {package}
            Version: {version}
            Architecture: amd64
            Maintainer: Test <test@example.org>
            Description: A kernel of a test

            """);
        Tool.Run("dpkg-deb", "--root-owner-group", $"-Z{compression}", "-b", Path.Combine(build, "root"), Path.Combine(Root, "pool", $"{package}_{version}_amd64.deb"));
    }

    /// <summary>Adds a real package under another version: its content is as it was, only its control file is written anew.</summary>
    /// <param name="package">Of amd64.</param>
    public void AddAs(string package, string version)
    {
        var build = NewBuild();
        Tool.Shell($"""
            cd '{build}' && ar x '{package}' && control=$(echo control.tar.*) && mkdir c && tar -C c -xf $control && sed -i 's/^Version: .*/Version: {version}/' c/control
            tar -C c -caf $control . && name=$(sed -n 's/^Package: //p' c/control) && ar rcS '{Path.Combine(Root, "pool")}'/$name'_{version}_amd64.deb' debian-binary $control data.tar.*
            """);
        Directory.Delete(build, recursive: true);
    }

    /// <summary>Writes and signs the indexes of what was added.</summary>
    /// <param name="validUntil">As in a Release file.</param>
    /// <param name="extra">A paragraph of Packages besides those of the packages.</param>
    /// <param name="swell">A character, as tr(1) has it, that Packages ends with 96 Mi of.</param>
    public void Publish(string? validUntil = null, string extra = "", string? swell = null)
    {
        var dist = Path.Combine(Root, "dists", Suite);
        Directory.CreateDirectory(Path.Combine(dist, "main", "binary-amd64"));
        var packages = $"dists/{Suite}/main/binary-amd64/Packages";
        var bomb = swell is null ? "" : $"head -c 96M /dev/zero | tr '\\0' '{swell}' >> {packages};";
        Tool.Shell($"cd '{Root}'; apt-ftparchive packages pool > {packages}; echo '{extra}' >> {packages}; {bomb} xz -1kf {packages}");
        foreach (var stale in (string[])["InRelease", "Release"])
            File.Delete(Path.Combine(dist, stale));
        Tool.Shell($"cd '{dist}'; apt-ftparchive -o APT::FTPArchive::Release::Suite={Suite} -o APT::FTPArchive::Release::Codename={Suite} -o APT::FTPArchive::Release::Components=main -o APT::FTPArchive::Release::Architectures=amd64 release . > ../Release.new; mv ../Release.new Release");
        if (validUntil is not null)
            File.WriteAllText(Path.Combine(dist, "Release"), $"Valid-Until: {validUntil}\n" + File.ReadAllText(Path.Combine(dist, "Release")));
        Gpg("--batch", "--yes", "--clearsign", "--output", InReleasePath, Path.Combine(dist, "Release"));
        File.Delete(Path.Combine(dist, "Release"));

        // HTTP's times count in seconds, and a test publishes twice in one.
        File.SetLastWriteTimeUtc(InReleasePath, DateTime.UtcNow.AddDays(-1).AddMinutes(++_published));
    }

    /// <summary>Signs again, by a key that was valid for two days of 2020, and did so then. The key is in the keyring.</summary>
    public void SignByExpiredKey()
    {
        const string Then = "20200101T120000!", Owner = "old@example.org";
        var release = _folder.File("Release");
        Gpg("--batch", "--yes", "--output", release, "--decrypt", InReleasePath);
        Gpg("--faked-system-time", Then, "--batch", "--passphrase", "", "--quick-generate-key", Owner, "ed25519", "sign", "2d");
        Gpg("--batch", "--yes", "--output", Keyring, "--export");
        Gpg("--faked-system-time", Then, "--batch", "--yes", "--local-user", Owner, "--clearsign", "--output", InReleasePath, release);
    }

    public void Dispose()
    {
        _ = Tool.Try("gpgconf", ["--homedir", _gpgHome, "--kill", "all"]);
        _folder.Dispose();
    }

    private void Gpg(params string[] arguments) => Tool.Run("gpg", ["--homedir", _gpgHome, "--quiet", .. arguments]);
}
