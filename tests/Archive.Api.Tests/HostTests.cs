using System.Text;
using Archive.Store.Trust;

namespace Archive.Api.Tests;

/// <summary>What the boot client reads: signed lines of text.</summary>
public sealed class HostTests
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("host_marker"), Other = ApiFixture.MakeBtf("other_host_marker");

    [Fact]
    public async Task AnswerNamesTheKernelItsFormsAndItsKeyAndIsSigned()
    {
        using var api = new ApiFixture();
        var publication = await api.PublishAsync(ApiFixture.Build("6.12.2+deb12-amd64"), Btf, "abcd");
        var answer = await Ask(api, "uname=6.12.2+deb12-amd64&arch=amd64&distro=debian&version=12&build_id=abcd");
        var key = Ed25519PublicKey.OfPem(await api.Client.GetStringAsync(new Uri("/v1/key.pem", UriKind.Relative)));
        var (raw, tarball) = (publication.Raw, publication.Tarball);
        Assert.StartsWith($"""
            btf-archive answer
            class: found
            kernel: debian/12/x86_64/6.12.2+deb12-amd64
            build-id: abcd
            btf: {raw.Sha256} {raw.Size} /v1/btf/{raw.Sha256}
            tarball: {tarball.Sha256} {tarball.Size} /v1/btf/{tarball.Sha256}
            key: {key.Id}
            signature: 
            """.TrimEnd(), answer, StringComparison.Ordinal);
        var signed = answer[..answer.IndexOf("signature: ", StringComparison.Ordinal)];
        Assert.True(key.Verify(Encoding.UTF8.GetBytes(signed), Convert.FromBase64String(answer[signed.Length..].Split(' ')[1])));
    }

    [Fact]
    public async Task AmbiguousKernelNamesItsCandidates()
    {
        using var api = new ApiFixture();
        await api.PublishAsync(ApiFixture.Build("9.9.9-custom", distro: "debian"), Btf);
        await api.PublishAsync(ApiFixture.Build("9.9.9-custom", distro: "ubuntu", version: "22.04"), Other);
        var lines = (await Ask(api, "uname=9.9.9-custom")).Split('\n');
        Assert.Equal("class: ambiguous", lines[1]);
        Assert.Equal(["candidate: debian/12/x86_64/9.9.9-custom", "candidate: ubuntu/22.04/x86_64/9.9.9-custom"], lines[2..4].Select(line => line[..line.LastIndexOf(' ')]));
    }

    [Fact]
    public async Task MissSaysWhyWithStatus200()
    {
        using var api = new ApiFixture();
        Assert.Equal("btf-archive answer\nclass: unknown\ndetail: No crawled index has listed x86_64/1.2.3.\n", await Ask(api, "uname=1.2.3&arch=x86_64"));
    }

    private static Task<string> Ask(ApiFixture api, string query) => api.Client.GetStringAsync(new Uri("/v1/host?" + query, UriKind.Relative));
}
