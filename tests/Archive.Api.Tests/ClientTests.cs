using System.Net;
using System.Text.Json.Nodes;
using Archive.Extractor.Packages;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>The requests of existing clients, as their sources write them, with nothing but the base URL changed.</summary>
public sealed class ClientTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("client_marker"), Other = ApiFixture.MakeBtf("client_other_marker");

    /// <summary>Each row: the kernel as it is archived, and a path that a client asks for it by.</summary>
    [Theory]
    // ptcpdump, kyanos: {ID}/{VERSION_ID}/{arch}, kyanos with os-release's quotes
    [InlineData("centos", "7", "x86_64", "3.10.0-1160.el7.x86_64", "/aquasecurity/btfhub-archive/raw/main/centos/7/x86_64/3.10.0-1160.el7.x86_64.btf.tar.xz")]
    [InlineData("centos", "7", "x86_64", "3.10.0-1160.el7.x86_64", "/aquasecurity/btfhub-archive/raw/main/%22centos%22/%227%22/x86_64/3.10.0-1160.el7.x86_64.btf.tar.xz")]
    [InlineData("centos", "7", "x86_64", "3.10.0-1160.el7.x86_64", "/aquasecurity/btfhub-archive/raw/main/'centos'/'7'/x86_64/3.10.0-1160.el7.x86_64.btf.tar.xz")]
    [InlineData("ubuntu", "20.04", "x86_64", "5.4.0-42-generic", "/aquasecurity/btfhub-archive/raw/main/ubuntu/20.04/amd64/5.4.0-42-generic.btf.tar.xz")]
    [InlineData("ubuntu", "20.04", "x86_64", "5.4.0-42-generic", "/aquasecurity/btfhub-archive/raw/main/ubuntu/focal/x86/5.4.0-42-generic.btf.tar.xz")]
    // inspektor-gadget: uname -m
    [InlineData("ubuntu", "22.04", "arm64", "5.15.0-1030-aws", "/aquasecurity/btfhub-archive/raw/main/ubuntu/22.04/aarch64/5.15.0-1030-aws.btf.tar.xz")]
    // scripts from before the archive had a repository of its own
    [InlineData("debian", "10", "x86_64", "4.19.0-27-amd64", "/aquasecurity/btfhub/raw/main/debian/buster/x86_64/4.19.0-27-amd64.btf.tar.xz")]
    [InlineData("debian", "9", "x86_64", "4.9.0-19-amd64", "/aquasecurity/btfhub/raw/main/debian/stretch/x86_64/4.9.0-19-amd64.btf.tar.xz")]
    // btf-fetch: raw.githubusercontent.com
    [InlineData("fedora", "38", "x86_64", "6.2.9-300.fc38.x86_64", "/aquasecurity/btfhub-archive/main/fedora/38/x86_64/6.2.9-300.fc38.x86_64.btf.tar.xz")]
    // DiffKeeper: {HubMirror}/{ID}/{VERSION_ID}/{arch}
    [InlineData("debian", "11", "arm64", "5.10.0-33-arm64", "/debian/11/aarch64/5.10.0-33-arm64.btf.tar.xz")]
    [InlineData("debian", "11", "arm64", "5.10.0-33-cloud-arm64", "/debian/bullseye/arm64/5.10.0-33-cloud-arm64.btf.tar.xz")]
    // VERSION_ID has a minor number, the tree has none; names of the distro
    [InlineData("rhel", "8", "x86_64", "4.18.0-305.el8.x86_64", "/rhel/8.4/x86_64/4.18.0-305.el8.x86_64.btf.tar.xz")]
    [InlineData("rhel", "8", "x86_64", "4.18.0-305.el8.x86_64", "/redhat/8/x86_64/4.18.0-305.el8.x86_64.btf.tar.xz")]
    [InlineData("ol", "8", "x86_64", "5.4.17-2136.300.7.el8uek.x86_64", "/ol/8.6/x86_64/5.4.17-2136.300.7.el8uek.x86_64.btf.tar.xz")]
    [InlineData("ol", "8", "x86_64", "5.4.17-2136.300.7.el8uek.x86_64", "/oracle/8/x86_64/5.4.17-2136.300.7.el8uek.x86_64.btf.tar.xz")]
    [InlineData("amzn", "2018.03", "x86_64", "4.14.26-46.32.amzn1.x86_64", "/amzn/1/x86_64/4.14.26-46.32.amzn1.x86_64.btf.tar.xz")]
    [InlineData("amzn", "2018.03", "x86_64", "4.14.26-46.32.amzn1.x86_64", "/amzn/2018/x86_64/4.14.26-46.32.amzn1.x86_64.btf.tar.xz")]
    [InlineData("amzn", "2018.03", "x86_64", "4.14.26-46.32.amzn1.x86_64", "/amazon/2018.03/x86_64/4.14.26-46.32.amzn1.x86_64.btf.tar.xz")]
    [InlineData("sles", "15.4", "x86_64", "5.14.21-150400.24.46-default", "/suse/15-SP4/x86_64/5.14.21-150400.24.46-default.btf.tar.xz")]
    [InlineData("opensuse-leap", "15.3", "x86_64", "5.3.18-150300.59.106-default", "/opensuse/15.3/x86_64/5.3.18-150300.59.106-default.btf.tar.xz")]
    // the release's own suffix beats the path
    [InlineData("fedora", "41", "arm64", "6.11.4-301.fc41.aarch64", "/fedora/41/x86_64/6.11.4-301.fc41.aarch64.btf.tar.xz")]
    // os-release without VERSION_ID
    [InlineData("debian", "sid", "x86_64", "6.17.8+deb14-amd64", "/debian//x86_64/6.17.8+deb14-amd64.btf.tar.xz")]
    [InlineData("debian", "sid", "x86_64", "6.17.8+deb14-amd64", "/aquasecurity/btfhub-archive/raw/main/debian//x86_64/6.17.8+deb14-amd64.btf.tar.xz")]
    [InlineData("debian", "sid", "x86_64", "6.17.8+deb14-amd64", "/debian/%22%22/x86_64/6.17.8%2Bdeb14-amd64.btf.tar.xz")]
    // Datadog's agent
    [InlineData("ubuntu", "18.04", "arm64", "4.15.0-1100-aws", "/btfs/ubuntu/18.04/arm64/4.15.0-1100-aws.btf.tar.xz")]
    public async Task TheTreeAnswersGetAndHeadAsItsClientsAsk(string distro, string version, string arch, string uname, string path)
    {
        var publication = await api.PublishAsync(ApiFixture.Build(uname, distro: distro, version: version, arch: arch), Btf);
        var answer = await api.Client.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var (name, btf) = BtfTarball.Unpack(await answer.Content.ReadAsStreamAsync());
        Assert.Equal((uname + ".btf", publication.Raw), (name, ApiFixture.Form(btf)));
        var head = api.Raw($"HEAD {path} HTTP/1.1");
        Assert.StartsWith("HTTP/1.1 200 OK", head); // inspektor-gadget greps for this
        Assert.Contains($"Content-Length: {publication.Tarball.Size}", head);
    }

    [Fact]
    public async Task HostWithoutVersionIsNotGuessedAt()
    {
        await api.PublishAsync(ApiFixture.Build("6.16.0-any-amd64", version: "13"), Btf);
        await api.PublishAsync(ApiFixture.Build("6.16.0-any-amd64", version: "sid"), Other);
        var answer = await api.Client.GetAsync("/debian//x86_64/6.16.0-any-amd64.btf.tar.xz");
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("ambiguous", problem["class"]!.GetValue<string>());
        Assert.Equal(["debian/13/x86_64/6.16.0-any-amd64", "debian/sid/x86_64/6.16.0-any-amd64"],
            problem["candidates"]!.AsArray().Select(c => c!["place"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("x86_64", "anolis", "8", "x86_64", "4.19.91-26.an8.x86_64")]
    [InlineData("aarch64", "anolis", "8", "arm64", "5.10.134-13.an8.aarch64")]
    [InlineData("s390x", "debian", "12", "s390x", "6.1.0-13-s390x")]
    [InlineData("i386", "debian", "12", "i386", "6.1.0-13-686")]
    public async Task CoolbpfGetsAnElfFileThatBpftoolReads(string asked, string distro, string version, string arch, string uname)
    {
        await api.PublishAsync(ApiFixture.Build(uname, distro: distro, version: version, arch: arch), Btf);
        using var folder = new TempFolder();
        var (raw, elf) = (folder.File("raw"), folder.File("vmlinux"));
        await File.WriteAllBytesAsync(raw, Btf);
        await File.WriteAllBytesAsync(elf, await api.Client.GetByteArrayAsync($"/coolbpf/btf/{asked}/vmlinux-{uname}"));
        Assert.Equal(Tool.Run("bpftool", "btf", "dump", "file", raw), Tool.Run("bpftool", "btf", "dump", "file", elf));
        var sections = Tool.Run("readelf", "-SW", elf);
        Assert.Contains(" .BTF ", sections);
        Assert.DoesNotContain("Warning", Tool.Try("readelf", ["-aW", elf]).Errors);
        Assert.Contains("HTTP/1.1 200 OK", api.Raw($"HEAD /coolbpf/btf/{asked}/vmlinux-{uname} HTTP/1.1"));
    }

    [Fact]
    public async Task ElfIsOfTheKernelsMachine()
    {
        await api.PublishAsync(ApiFixture.Build("5.10.134-14.an8.aarch64", distro: "anolis", version: "8", arch: "arm64"), Btf);
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(folder.File("elf"), await api.Client.GetByteArrayAsync("/anolis/8/arm64/5.10.134-14.an8.aarch64.btf.elf"));
        Assert.Contains("AArch64", Tool.Run("readelf", "-h", folder.File("elf")));
    }

    [Fact]
    public async Task CoolbpfIsToldWhereItsPathIsAmbiguous()
    {
        await api.PublishAsync(ApiFixture.Build("8.8.8-same", distro: "anolis", version: "8"), Btf);
        await api.PublishAsync(ApiFixture.Build("8.8.8-same", distro: "debian", version: "12"), Other);
        Assert.Equal(HttpStatusCode.Conflict, (await api.Client.GetAsync("/coolbpf/btf/x86_64/vmlinux-8.8.8-same")).StatusCode);
    }

    [Fact]
    public async Task SameContentAtTwoPlacesIsNotAmbiguous()
    {
        await api.PublishAsync(ApiFixture.Build("8.8.9-same", distro: "anolis", version: "8"), Btf);
        await api.PublishAsync(ApiFixture.Build("8.8.9-same", distro: "debian", version: "12"), Btf);
        Assert.Equal(HttpStatusCode.OK, (await api.Client.GetAsync("/coolbpf/btf/x86_64/vmlinux-8.8.9-same")).StatusCode);
    }

    [Fact]
    public async Task BtfhubOnlineListsAndDownloads()
    {
        var publication = await api.PublishAsync(ApiFixture.Build("6.12.9+deb13-amd64", version: "13"), Btf);
        await api.PublishAsync(ApiFixture.Build("6.12.9+deb13-amd64", "6.1.0-0", version: "13"), Other);
        var list = (await api.GetAsync("/api/v1/list")).AsArray();
        var entry = Assert.Single(list, e => e!["kernel_version"]!.GetValue<string>() == "6.12.9+deb13-amd64")!;
        var query = string.Join('&', entry.AsObject().Select(p => $"{p.Key}={Uri.EscapeDataString(p.Value!.GetValue<string>())}"));
        Assert.Equal("arch=x86_64&distribution=debian&distribution_version=13&kernel_version=6.12.9%2Bdeb13-amd64", string.Join('&', query.Split('&').Order()));
        var answer = await api.Client.GetAsync("/api/v1/download?" + query);
        Assert.Equal("application/octet-stream", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal(publication.Tarball, ApiFixture.Form(await answer.Content.ReadAsByteArrayAsync()));
        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.GetAsync("/api/v1/download?distribution=debian&distribution_version=13&kernel_version=6.12.8&arch=x86_64")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await api.Client.GetAsync("/api/v1/download?distribution=debian")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await api.Client.GetAsync("/monitoring/health")).StatusCode);
    }

    [Fact]
    public async Task DatadogsCatalogueHasTheDigestsOfItsTree()
    {
        await api.PublishAsync(ApiFixture.Build("5.4.0-1-dd", "1", "ubuntu", "20.04"), Btf);
        await api.PublishAsync(ApiFixture.Build("5.4.0-2-dd", "1", "ubuntu", "20.04"), Other);
        await api.PublishAsync(ApiFixture.Build("5.4.0-2-dd", "2", "ubuntu", "20.04"), Btf);
        await api.PublishAsync(ApiFixture.Build("5.15.0-1-dd", "1", "ubuntu", "22.04", "arm64"), Btf);
        await api.PublishAsync(ApiFixture.Build("5.10.0-1-dd", "1", "debian", "11"), Btf);
        var catalogue = await api.GetAsync("/btfs/catalog.json");
        foreach (var (arch, distro, version, uname) in new[] { ("x86_64", "ubuntu", "20.04", "5.4.0-1-dd"), ("x86_64", "ubuntu", "20.04", "5.4.0-2-dd"), ("arm64", "ubuntu", "22.04", "5.15.0-1-dd"), ("x86_64", "debian", "11", "5.10.0-1-dd") })
        {
            var digest = catalogue[arch]![distro]![version]![uname]!["sha256"]!.GetValue<string>();
            Assert.Equal(digest, ApiFixture.Form(await api.Client.GetByteArrayAsync($"/btfs/{distro}/{version}/{arch}/{uname}.btf.tar.xz")).Sha256);
        }
    }

    [Fact]
    public async Task DebuginfodClientGetsTheSectionByBuildId()
    {
        var publication = await api.PublishAsync(ApiFixture.Build("6.1.0-99-amd64"), Btf, "0123456789abcdef0123456789abcdef01234567");
        var answer = await api.Client.GetAsync("/buildid/0123456789ABCDEF0123456789abcdef01234567/section/.BTF");
        Assert.Equal(publication.Raw, ApiFixture.Form(await answer.Content.ReadAsByteArrayAsync()));
        Assert.Equal($"{publication.Raw.Size}", answer.Headers.GetValues("X-DEBUGINFOD-SIZE").Single());
        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.GetAsync("/buildid/00ff/section/.BTF")).StatusCode);
    }
}
