using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace TestKit;

/// <summary>
/// Real Debian kernels, from the mirror in the host's apt configuration: packages and the images in them, kept in a cache
/// folder (<c>BTF_ARCHIVE_TEST_CACHE</c>, by default <c>~/.cache/btf-archive-tests</c>). Nothing here is product code: the
/// packages are found by text, fetched by curl and unpacked by dpkg-deb.
/// </summary>
public sealed partial class KernelCorpus
{
    private static readonly string Cache = Environment.GetEnvironmentVariable("BTF_ARCHIVE_TEST_CACHE") is { Length: > 0 } set ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "btf-archive-tests");

    private readonly string _name, _arch, _pattern;
    private readonly string[] _suites;
    private readonly Lazy<Entry> _package;
    private readonly Lazy<string> _path;
    private readonly Lazy<string> _vmlinux;

    private sealed record Entry(string Package, string Version, string Url, string Sha256);

    private KernelCorpus(string name, string arch, string pattern, params string[] suites)
    {
        (_name, _arch, _pattern, _suites) = (name, arch, pattern, suites);
        _package = new(Find);
        _path = new(() => { var package = _package.Value; return Locked(() => Download(package)); });
        _vmlinux = new(() => { var package = PackagePath; return Locked(() => Unpack(package)); });
    }

    /// <summary>DWARF 5, ships its own BTF.</summary>
    public static KernelCorpus BookwormCloudAmd64 { get; } = new("bookworm-cloud-amd64", "amd64", @"linux-image-6\.1\.0-\d+-cloud-amd64-dbg", "bookworm", "bookworm-security");

    /// <summary>Big-endian, and without BTF of its own.</summary>
    public static KernelCorpus BookwormS390x { get; } = new("bookworm-s390x", "s390x", @"linux-image-6\.1\.0-\d+-s390x-dbg", "bookworm");

    public static KernelCorpus BookwormCloudArm64 { get; } = new("bookworm-cloud-arm64", "arm64", @"linux-image-6\.1\.0-\d+-cloud-arm64-dbg", "bookworm", "bookworm-security");

    /// <summary>DWARF 4.</summary>
    public static KernelCorpus BullseyeCloudAmd64 { get; } = new("bullseye-cloud-amd64", "amd64", @"linux-image-5\.10\.0-\d+-cloud-amd64-dbg", "bullseye");

    public static KernelCorpus TrixieCloudAmd64 { get; } = new("trixie-cloud-amd64", "amd64", @"linux-image-6\.12\.\d+\+deb13-cloud-amd64-dbg", "trixie");

    public static KernelCorpus BookwormS390xImage { get; } = new("bookworm-s390x-image", "s390x", @"linux-image-6\.1\.0-\d+-s390x", "bookworm");

    /// <summary>The bootable package of a big-endian kernel that ships BTF.</summary>
    public static KernelCorpus TrixieS390xImage { get; } = new("trixie-s390x-image", "s390x", @"linux-image-6\.12\.\d+\+deb13-s390x", "trixie");

    /// <summary>An EFI zboot image; since forky a package has the kernel alone.</summary>
    public static KernelCorpus SidLoong64Binary { get; } = new("sid-loong64-binary", "loong64", @"linux-binary-[\d.]+\+deb\d+-loong64", "sid");

    public static KernelCorpus SidCloudArm64Binary { get; } = new("sid-cloud-arm64-binary", "arm64", @"linux-binary-[\d.]+\+deb\d+-cloud-arm64", "sid");

    public static KernelCorpus SidCloudArm64Modules { get; } = new("sid-cloud-arm64-modules", "arm64", @"linux-modules-[\d.]+\+deb\d+-cloud-arm64", "sid");

    /// <summary>The bootable package (vmlinuz and modules) of a uname.</summary>
    public static KernelCorpus Image(string uname, string arch = "amd64") => new(
        $"image-{uname}", arch, Regex.Escape($"linux-image-{uname}"), "bookworm", "bookworm-security", "bookworm-backports", "trixie", "trixie-security");

    public string Uname => _package.Value.Package["linux-image-".Length..].Replace("-dbg", "", StringComparison.Ordinal);

    public string PackageVersion => _package.Value.Version;

    public string PackageSha256 => _package.Value.Sha256;

    public string PackagePath => _path.Value;

    public string VmlinuxPath => _vmlinux.Value;

    private Entry Find() => Locked(() =>
    {
        var found = _suites.SelectMany(suite => Paragraphs(suite).Select(p => Parse(suite, p)).OfType<Entry>()).ToList();
        found.Sort((a, b) => Tool.Try("dpkg", ["--compare-versions", a.Version, "gt", b.Version]).Status == 0 ? -1 : 1);
        return found.Count > 0 ? found[0] : throw new InvalidOperationException($"no package {_pattern} of {_arch} in {string.Join(", ", _suites)}");
    });

    private Entry? Parse(string suite, string paragraph)
    {
        var fields = Field().Matches(paragraph).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["value"].Value);
        return new Entry(fields["Package"], fields["Version"], Mirror(suite) + fields["Filename"], fields["SHA256"]);
    }

    /// <summary>Paragraphs of the packages that the pattern matches, from an index of today.</summary>
    private IEnumerable<string> Paragraphs(string suite)
    {
        var stamp = DateTime.UtcNow.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        var file = Path.Combine(Cache, "indexes", $"{stamp}-{suite}-{_arch}");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            foreach (var old in Directory.EnumerateFiles(Path.GetDirectoryName(file)!).Where(f => !Path.GetFileName(f).StartsWith(stamp, StringComparison.Ordinal)))
                File.Delete(old);
            Tool.Shell($"curl -sfL --retry 3 '{Mirror(suite)}dists/{suite}/main/binary-{_arch}/Packages.xz' -o '{file}.xz'; xz -dc '{file}.xz' | awk 'BEGIN{{RS=\"\"}} /^Package: linux-(image|binary|modules)-/{{print $0 \"\\n\"}}' > '{file}.tmp'; mv '{file}.tmp' '{file}'; rm '{file}.xz'");
        }
        var wanted = new Regex($"^Package: {_pattern}$", RegexOptions.Multiline);
        return File.ReadAllText(file).Split("\n\n").Where(p => wanted.IsMatch(p));
    }

    private string Download(Entry entry)
    {
        var folder = Path.Combine(Cache, _name);
        var path = Path.Combine(folder, Path.GetFileName(entry.Url));
        if (File.Exists(path))
            return path;
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        Tool.Run("curl", "-sfL", "--retry", "3", entry.Url, "-o", path + ".tmp");
        using (var stream = File.OpenRead(path + ".tmp"))
        {
            var digest = Convert.ToHexStringLower(SHA256.HashData(stream));
            if (digest != entry.Sha256)
                throw new InvalidOperationException($"{entry.Url} has SHA-256 {digest}, its index says {entry.Sha256}");
        }
        File.Move(path + ".tmp", path);
        return path;
    }

    private static string Unpack(string package)
    {
        var path = Path.Combine(Path.GetDirectoryName(package)!, "vmlinux");
        if (File.Exists(path))
            return path;
        // tar stops at the end of the image; what feeds it is cut off then, which is no failure.
        Tool.Run("bash", "-c", $"dpkg-deb --fsys-tarfile '{package}' 2>/dev/null | tar -xO --occurrence=1 --wildcards './usr/lib/debug/boot/vmlinux-*' > '{path}.tmp'; test -s '{path}.tmp'");
        File.Move(path + ".tmp", path);
        return path;
    }

    /// <summary>Base URL of the mirror that the host uses, of the security archive for its suites.</summary>
    private static string Mirror(string suite)
    {
        var isSecurity = suite.EndsWith("-security", StringComparison.Ordinal);
        var files = Directory.EnumerateFiles("/etc/apt", "*", SearchOption.AllDirectories)
            .Where(f => f.EndsWith(".list", StringComparison.Ordinal) || f.EndsWith(".sources", StringComparison.Ordinal));
        var urls = files.SelectMany(File.ReadLines).Where(l => !l.StartsWith('#')).SelectMany(l => Url().Matches(l).Select(m => m.Value.TrimEnd('/') + "/"));
        return urls.FirstOrDefault(u => u.Contains("/debian-security/", StringComparison.Ordinal) == isSecurity && u.Contains("/debian", StringComparison.Ordinal))
            ?? (isSecurity ? "http://security.debian.org/debian-security/" : "http://ftp.debian.org/debian/");
    }

    /// <summary>Test projects run side by side and share the cache.</summary>
    private static T Locked<T>(Func<T> action)
    {
        Directory.CreateDirectory(Cache);
        var path = Path.Combine(Cache, ".lock");
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return action();
            }
            catch (IOException e) when (e.GetType() == typeof(IOException) && clock.Elapsed < TimeSpan.FromMinutes(20))
            {
                Thread.Sleep(200);
            }
        }
    }

    [GeneratedRegex(@"^(?<name>Package|Version|Filename|SHA256): (?<value>.+)$", RegexOptions.Multiline)]
    private static partial Regex Field();

    [GeneratedRegex(@"https?://[^\s]+")]
    private static partial Regex Url();
}
