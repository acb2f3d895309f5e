using System.Security.Cryptography;
using System.Text.Json.Nodes;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>
/// The archive as it runs in Azure, without a key: it is told the account's URL, asks the endpoint of its managed identity for tokens, and signs links with a key that the
/// service gives to that identity. Against Azurite over HTTPS, which asks for a token where there is no signature.
/// </summary>
[Trait("Category", "Real")]
public sealed class ManagedIdentityTests : IDisposable
{
    private const string ClientId = "f997392c-e15a-4ad8-af9e-cd6966caba7f", Container = "by-identity";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly AptRepository _repository = new();
    private readonly TempFolder _folder = new();
    private readonly LoopbackCertificate _certificate;
    private readonly AzuriteServer _azurite;

    public ManagedIdentityTests()
    {
        _certificate = new LoopbackCertificate(_folder);
        _azurite = new AzuriteServer(_certificate);
    }

    public void Dispose()
    {
        _azurite.Dispose();
        _repository.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task AnArchiveWithoutAKeyPublishesServesAndSignsLinks()
    {
        _repository.AddAlikeKernels(1);
        _repository.Publish();
        await using var mirror = await MirrorServer.StartAsync(_repository.Root);
        await using var identity = await IdentityServer.StartAsync();
        using var archive = Start(identity, mirror, "--Azure:Redirect=sas");
        var kernel = archive.WaitForKernel(Limit);
        await AssertLinkAsync(archive, kernel);
        Assert.All(identity.Given, token => Assert.Equal((ClientId, "https://storage.azure.com"), token));
        Assert.InRange(identity.Given.Count, 1, 3); // Kept for as long as it lasts.
    }

    private ArchiveProcess Start(IdentityServer identity, MirrorServer mirror, params string[] settings)
    {
        var environment = new Dictionary<string, string>(identity.Environment, StringComparer.Ordinal) { ["SSL_CERT_FILE"] = _certificate.CertificatePath };
        return ArchiveProcess.StartIn(environment, Ports.Free(), _folder.File("data"), [.. settings,
            "--Blobs=azure", $"--ConnectionStrings:Blobs={_azurite.AccountUrl}", $"--Azure:Container={Container}", $"--Azure:ClientId={ClientId}",
            "--Crawler:MinFreeBytes=0", "--Crawler:Sources:debian:Releases:0=bookworm", "--Crawler:Sources:debian:Arches:0=amd64", "--Crawler:Sources:debian:Flavours:0=all",
            $"--Crawler:Sources:debian:Mirrors:0={mirror.Url}", $"--Crawler:Sources:debian:SecurityMirrors:0={mirror.Url}", $"--Crawler:Sources:debian:Keyring={_repository.Keyring}"]);
    }

    /// <summary>The tarball comes from the container itself, by a signature of the identity's; without the signature it does not.</summary>
    private async Task AssertLinkAsync(ArchiveProcess archive, JsonNode kernel)
    {
        var path = $"/{kernel["distro"]}/{kernel["version"]}/{kernel["arch"]}/{kernel["uname"]}.btf.tar.xz";
        using var still = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var away = await still.GetAsync(new Uri(archive.Address, path));
        var link = away.Headers.Location ?? throw new InvalidOperationException($"{path}: {away.StatusCode}\n{archive.Log}");
        Assert.Equal(_azurite.Url.Port, link.Port);
        Assert.Contains("skoid=", link.Query, StringComparison.Ordinal);
        var file = _folder.File("tarball");
        Tool.Run("curl", "-sSf", "--cacert", _certificate.CertificatePath, "-o", file, link.AbsoluteUri);
        var tarball = await File.ReadAllBytesAsync(file);
        Assert.Equal(kernel["tarball"]!["sha256"]!.ToString(), Convert.ToHexStringLower(SHA256.HashData(tarball)));
        Assert.NotEqual(0, Tool.Try("curl", ["-sf", "--cacert", _certificate.CertificatePath, new UriBuilder(link) { Query = "" }.Uri.AbsoluteUri]).Status);
    }
}
