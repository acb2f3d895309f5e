using System.Security.Cryptography;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>Whom the boot client believes.</summary>
[Trait("Category", "Real")]
public sealed class BootClientTrustTests(HostArchive archive) : IClassFixture<HostArchive>
{
    private const int NoTool = 8, Refused = 6;

    /// <summary>Answer and content agree, and both are not the archive's.</summary>
    [Fact]
    public void ForgedAnswerIsRefused()
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(HostArchive.Bullseye));
        using var proxy = new FaultyProxy(archive.Url)
        {
            Change = (path, body) => FaultyProxy.IsContent(path) ? HostArchive.Bullseye : FaultyProxy.Forge(path, body, digest),
        };
        using var host = Host(proxy.Url, "openssl");
        var result = host.Run(HostArchive.Uname);
        Assert.True(result.Status == Refused && !File.Exists(host.FileOf(HostArchive.Uname)), result.Errors);
        Assert.Contains("no trusted key signed it", result.Errors);
    }

    [Fact]
    public void KeyThatTheOldOneEndorsesIsTrusted()
    {
        using var host = Host(archive.Url, "openssl", "xz", "tar");
        Assert.Equal(0, host.Run(HostArchive.Uname).Status);
        Tool.Run("dotnet", Programs.Api, "keys", "rotate", "--data", archive.Data);
        Tool.Run("dotnet", Programs.Api, "keys", "rotate", "--data", archive.Data);
        File.Delete(host.FileOf(HostArchive.Uname));

        var result = host.Run(HostArchive.Uname);
        Assert.True(result.Status == 0, result.Errors);
        Assert.Contains("which the one before endorses", result.Errors);
    }

    [Fact]
    public void KeysOfTheAdministratorCountAlone()
    {
        using var host = Host(archive.Url, "openssl");
        Directory.CreateDirectory(host.Folder.File("trusted"));
        Tool.Shell($"openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out '{host.Folder.File("trusted/other.pem")}'");
        var result = host.Run(HostArchive.Uname);
        Assert.True(result.Status == Refused, result.Errors);

        File.WriteAllBytes(host.Folder.File("trusted/archive.pem"), archive.Process.GetBytes("/v1/key.pem"));
        Assert.Equal(0, host.Run(HostArchive.Uname).Status);
    }

    [Fact]
    public void RequiredSignatureWantsOpenssl()
    {
        using var host = Host(archive.Url);
        host.Set("BTF_VERIFY", "require");
        Assert.Equal(NoTool, host.Run(HostArchive.Uname).Status);
    }

    /// <summary>From a folder, as an image brings it along, and from a web server that knows nothing of BTF.</summary>
    [Fact]
    public async Task ExportedTreeWillDo()
    {
        using var folder = new TempFolder();
        Tool.Run("dotnet", Programs.Api, "export", folder.File("tree"), "--data", archive.Data);
        await using var server = await MirrorServer.StartAsync(folder.File("tree"));
        foreach (var url in (string[])[folder.File("tree"), server.Url.ToString()])
        {
            using var host = Host(url, "openssl", "xz", "tar");
            host.Folder.Write("os-release", "ID=debian\nVERSION_ID=12.9\n"); // The tree has it under 12.
            var result = host.Run(HostArchive.Uname);
            Assert.True(result.Status == 0 && result.Errors.Contains("signed by", StringComparison.Ordinal), result.Errors);
            Assert.Equal(HostArchive.Bookworm, await File.ReadAllBytesAsync(host.FileOf(HostArchive.Uname)));
        }
        await File.AppendAllTextAsync(folder.File("tree/v1/SHA256SUMS"), "0  another\n");
        using var last = Host(folder.File("tree"), "openssl", "xz", "tar");
        Assert.Equal(Refused, last.Run(HostArchive.Uname).Status);
    }

    private static BtfFetch Host(string url, params string[] tools)
    {
        var host = new BtfFetch("dash", "curl", tools);
        host.Set("BTF_URLS", url);
        return host;
    }
}
