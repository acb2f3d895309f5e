using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace TestKit;

/// <summary>A tree in the form of btfhub-archive, packed by tar and xz as btfhub packs it: one good file, and one of each kind that is not.</summary>
public sealed class OtherArchive : IDisposable
{
    public const string Uname = "6.1.0-99-cloud-amd64";
    private readonly TempFolder _folder = new();

    public OtherArchive()
    {
        var btf = MakeBtf("struct pt_regs { unsigned long r15, orig_ax; } registers;");
        Pack("12/x86_64", Uname, Uname, btf);
        Pack("12/arm64", Uname, Uname, btf);
        Pack("12/x86_64", "6.1.0-98-cloud-amd64", Uname, btf);
        Pack("12/x86_64", "6.1.0-96-cloud-amd64", "6.1.0-96-cloud-amd64", btf[..(btf.Length / 2)]);
        Pack("12/x86_64", "6.1.0-95-cloud-amd64", "6.1.0-95-cloud-amd64", btf[..40]);
        File.WriteAllText(Path.Combine(Root, "debian/12/x86_64/6.1.0-97-cloud-amd64.btf.tar.xz"), "this is no tarball");
        Tool.Run("tar", "-czf", Tarball, "-C", _folder.FullPath, "tree");
    }

    /// <summary>Files that are not good, and what is said of each.</summary>
    public static IReadOnlyList<(string Path, string Problem)> Bad { get; } = [
        ("arm64/6.1.0-99", "the registers are of x86_64"), ("6.1.0-98", "the tarball has"), ("6.1.0-97", ""), ("6.1.0-96", ""), ("6.1.0-95", ""),
    ];

    public string Root => _folder.File("tree");

    public string Tarball => _folder.File("tree.tar.gz");

    /// <summary>The tarball's URL on a server of the tree.</summary>
    public string TarballBehind(Uri server)
    {
        File.Copy(Tarball, Path.Combine(Root, "main.tar.gz"), overwrite: true);
        return new Uri(server, "main.tar.gz").AbsoluteUri;
    }

    public async Task<bool> ServePagesAsync(HttpContext context)
    {
        var folder = Path.Combine(Root, context.Request.Path.Value!.Trim('/'));
        if (!Directory.Exists(folder))
            return false;
        var links = new DirectoryInfo(folder).EnumerateFileSystemInfos().Select(f => f is DirectoryInfo ? f.Name + "/" : f.Name).Select(n => $"<a href=\"{n}\">{n}</a>");
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"<html><a href=\"../\">up</a>{string.Concat(links)}</html>"));
        return true;
    }

    public async Task<bool> ServeDigestsAsync(HttpContext context)
    {
        if (context.Request.Path != "/SHA256SUMS")
            return false;
        var lines = Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
            .Select(f => $"{Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))}  {Path.GetRelativePath(Root, f)}\n");
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(lines)));
        return true;
    }

    public void Dispose() => _folder.Dispose();

    private byte[] MakeBtf(string registers)
    {
        var image = _folder.File("vmlinux");
        KernelSample.Build(image, Uname, withBtf: true, more: registers);
        Tool.Run("objcopy", "-O", "binary", "--only-section=.BTF", "--set-section-flags", ".BTF=alloc", image, _folder.File("btf"));
        return File.ReadAllBytes(_folder.File("btf"));
    }

    private void Pack(string place, string uname, string member, byte[] btf)
    {
        File.WriteAllBytes(_folder.File(member + ".btf"), btf);
        var folder = Directory.CreateDirectory(Path.Combine(Root, "debian", place)).FullName;
        Tool.Run("tar", "-cJf", Path.Combine(folder, uname + ".btf.tar.xz"), "-C", _folder.FullPath, member + ".btf");
    }
}
