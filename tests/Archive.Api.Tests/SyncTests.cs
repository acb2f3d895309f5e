using System.Net;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Mirrors;
using Archive.Store.Trust;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>Chain, signature, manifest, sync and export, each over the real server.</summary>
public sealed class SyncTests : IDisposable
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("sync_marker"), Other = ApiFixture.MakeBtf("sync_other_marker");
    private readonly ApiFixture _api = new([]);
    private readonly TempFolder _mirror = new();

    public void Dispose()
    {
        _mirror.Dispose();
        _api.Dispose();
    }

    private Task<MirrorResult> SyncAsync(Ed25519PublicKey? key = null) => SyncFromAsync(_api.Address, _mirror.FullPath, key);

    private static async Task<MirrorResult> SyncFromAsync(Uri address, string folder, Ed25519PublicKey? key = null)
    {
        using var client = new HttpClient();
        return await new ArchiveMirror(new HttpMirrorSource(client, address), folder, new MirrorFilter(null, null, null)).SyncAsync(key, null, default);
    }

    /// <summary>The server looks for news every five seconds.</summary>
    private static Task PauseAsync() => Task.Delay(TimeSpan.FromSeconds(5.2));

    [Fact]
    public async Task MirrorIsTheTreeAndItsDigestsAreTheManifests()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        await _api.PublishAsync(ApiFixture.Build("6.1.0-2-amd64", "1"), Other);
        var newest = await _api.PublishAsync(ApiFixture.Build("6.1.0-2-amd64", "2"), Btf);
        var result = await SyncAsync();
        Assert.Equal(3, result.Entries);
        Assert.Equal(newest.Tarball, ApiFixture.Form(await File.ReadAllBytesAsync(_mirror.File("debian/12/x86_64/6.1.0-2-amd64.btf.tar.xz"))));
        var check = Tool.Run("bash", "-c", $"cd '{_mirror.FullPath}' && sha256sum --strict -c v1/SHA256SUMS");
        Assert.Equal(6, check.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    /// <summary>By the command, into a real Azurite: the container is the tree, and the next sync fetches nothing.</summary>
    [Fact]
    [Trait("Category", "Real")]
    public async Task MirrorGoesIntoABlobStore()
    {
        var published = await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        Assert.Contains("1 new entries, 2 files", Sync("mirror"), StringComparison.Ordinal);
        Assert.Contains("0 new entries, 0 files", Sync("mirror"), StringComparison.Ordinal);
        var container = new Azure.Storage.Blobs.BlobContainerClient(AzuriteServer.Shared.ConnectionString(), "mirror");
        var tarball = await container.GetBlobClient("debian/12/x86_64/6.1.0-1-amd64.btf.tar.xz").DownloadContentAsync();
        Assert.Equal(published.Tarball, ApiFixture.Form(tarball.Value.Content.ToArray()));
        Assert.True(await container.GetBlobClient("v1/checkpoint.sig").ExistsAsync());
        Assert.False(Directory.Exists(_mirror.File("debian")));

        string Sync(string name) => Tool.Run("env", "Blobs=azure", $"ConnectionStrings__Blobs={AzuriteServer.Shared.ConnectionString()}", $"Azure__Container={name}",
            "dotnet", typeof(ApiOptions).Assembly.Location, "sync", _api.Address.ToString(), _mirror.FullPath, "--into-store");
    }

    [Fact]
    public async Task SecondSyncCostsOnlyTheNew()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        await SyncAsync();
        Assert.Equal((0, 0), await EntriesAndFilesAsync());
        await _api.PublishAsync(ApiFixture.Build("6.1.0-2-amd64"), Other);
        await PauseAsync();
        Assert.Equal((1, 2), await EntriesAndFilesAsync());

        async Task<(long, int)> EntriesAndFilesAsync() => await SyncAsync() is var result ? (result.Entries, result.Fetched) : default;
    }

    [Fact]
    public async Task WithdrawalTakesTheFileAndLeavesATombstone()
    {
        var build = ApiFixture.Build("6.1.0-1-amd64");
        var publication = await _api.PublishAsync(build, Btf);
        await _api.PublishAsync(ApiFixture.Build("6.1.0-2-amd64"), Other);
        await SyncAsync();
        await _api.Store.Catalogue.RecordOutcomeAsync(build, Outcome.Withdrawn, "wrong\tcompiler", null, default);
        await PauseAsync();
        Assert.Equal(1, (await SyncAsync()).Withdrawn);
        Assert.False(File.Exists(_mirror.File("debian/12/x86_64/6.1.0-1-amd64.btf.tar.xz")));
        Assert.True(File.Exists(_mirror.File("debian/12/x86_64/6.1.0-2-amd64.btf.tar.xz")));
        Assert.Contains("wrong compiler", await File.ReadAllTextAsync(_mirror.File($"by-digest/{publication.Tarball.Sha256[..2]}/{publication.Tarball.Sha256}.withdrawn")));
        Tool.Run("bash", "-c", $"cd '{_mirror.FullPath}' && sha256sum --strict -c v1/SHA256SUMS");
    }

    [Fact]
    public async Task FirstSyncPassesOverWhatWasWithdrawn()
    {
        var build = ApiFixture.Build("6.1.0-1-amd64");
        await _api.PublishAsync(build, Btf);
        await _api.Store.Catalogue.RecordOutcomeAsync(build, Outcome.Withdrawn, "test", null, default);
        Assert.Equal((2, 0), await SyncAsync() is var result ? (result.Entries, result.Fetched) : default);
    }

    [Fact]
    public async Task OpensslVerifiesTheCheckpointAsDocumented()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        var readme = await File.ReadAllTextAsync(Path.Combine(Checkout.Root, "README.md"));
        var line = Assert.Single(readme.Split('\n'), l => l.StartsWith("openssl pkeyutl", StringComparison.Ordinal));
        var script = $"cd '{_mirror.FullPath}'; A={_api.Address}; curl -sfO ${{A}}v1/key.pem -O ${{A}}v1/checkpoint -O ${{A}}v1/checkpoint.sig; {line}";
        Assert.Contains("Signature Verified Successfully", Tool.Shell(script));
        Assert.NotEqual(0, Tool.Try("bash", ["-euo", "pipefail", "-c", $"{script.Replace("; openssl", "; echo >> checkpoint; openssl", StringComparison.Ordinal)}"]).Status);
    }

    [Fact]
    public async Task RotatedKeyIsFollowedByItsEndorsementAndAStrangersIsNot()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        var keys = SigningKeys.Open(_api.Data);
        var first = keys.All()[0].PublicKey;
        await SyncAsync(first);
        keys.Rotate();
        keys.Rotate();
        await PauseAsync();
        await SyncAsync();
        Assert.Equal(keys.All()[2].PublicKey.Id, Ed25519PublicKey.OfPem(await File.ReadAllTextAsync(_mirror.File(".sync/key.pem"))).Id);
        Assert.Single(Directory.GetFiles(Path.Combine(_api.Data, "keys"), "*.pem"), f => !f.EndsWith(".pub.pem", StringComparison.Ordinal));
        var refused = await Assert.ThrowsAsync<MirrorSourceException>(() => SyncAsync(Ed25519PrivateKey.Generate().PublicKey));
        Assert.Contains("does not show the trusted key", refused.Message);
        Directory.Delete(Path.Combine(_api.Data, "keys"), recursive: true);
        SigningKeys.Open(_api.Data);
        await PauseAsync();
        await Assert.ThrowsAsync<MirrorSourceException>(() => SyncAsync());
    }

    [Fact]
    public async Task InterruptedSyncGoesOnAndADamagedFileIsRefused()
    {
        for (var i = 0; i < 3; i++)
            await _api.PublishAsync(ApiFixture.Build($"6.1.0-{i}-amd64"), ApiFixture.MakeBtf($"resume_{i}"));
        await SyncAsync();
        var publication = await _api.PublishAsync(ApiFixture.Build("6.1.0-9-amd64"), Other);
        var blob = Path.Combine(_api.Data, "tree", "by-digest", publication.Tarball.Sha256[..2], publication.Tarball.Sha256 + ".btf.tar.xz");
        var bytes = await File.ReadAllBytesAsync(blob);
        File.Delete(blob);
        await File.WriteAllBytesAsync(blob, [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);
        await PauseAsync();
        var damaged = await Assert.ThrowsAsync<MirrorSourceException>(() => SyncAsync());
        Assert.Contains(publication.Tarball.Sha256, damaged.Message);
        Assert.False(File.Exists(_mirror.File("debian/12/x86_64/6.1.0-9-amd64.btf.tar.xz")));
        File.Delete(blob);
        await File.WriteAllBytesAsync(blob, bytes);
        var result = await SyncAsync();
        Assert.Equal((1, 2), (result.Entries, result.Fetched));
    }

    [Fact]
    public async Task ChainThatWasRewrittenIsRefused()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        await SyncAsync();
        using var another = new ApiFixture([]);
        foreach (var file in Directory.GetFiles(Path.Combine(_api.Data, "keys")))
            File.Copy(file, Path.Combine(another.Data, "keys", Path.GetFileName(file)), overwrite: true);
        await another.PublishAsync(ApiFixture.Build("6.1.0-7-amd64"), Other);
        await another.PublishAsync(ApiFixture.Build("6.1.0-8-amd64"), Other);
        var refused = await Assert.ThrowsAsync<MirrorSourceException>(() => SyncFromAsync(another.Address, _mirror.FullPath));
        Assert.Contains("does not follow", refused.Message);
    }

    [Fact]
    public async Task ExportIsATreeThatAPlainWebServerServesAndSyncReads()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        await _api.PublishAsync(ApiFixture.Build("6.1.0-2+deb12-amd64"), Other);
        using var exported = new TempFolder();
        var api = typeof(ApiOptions).Assembly.Location;
        Tool.Run("dotnet", api, "export", exported.FullPath, "--data", _api.Data);
        using var server = new StaticServer(exported.FullPath);
        Assert.Contains("2 new entries", Tool.Run("dotnet", api, "sync", server.Address.ToString(), _mirror.FullPath));
        Tool.Run("bash", "-c", $"cd '{_mirror.FullPath}' && sha256sum --strict -c v1/SHA256SUMS");
        Assert.Contains("BEGIN PUBLIC KEY", Tool.Run("dotnet", api, "keys", "show", "--data", _api.Data));
        var unreachable = Tool.Try("dotnet", [api, "sync", "http://127.0.0.1:1/", _mirror.FullPath]);
        Assert.Equal(1, unreachable.Status);
        Assert.DoesNotContain("   at ", unreachable.Errors);
    }

    [Fact]
    public async Task ChangesSinceASequenceAreAllThatHappened()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        var seen = (await _api.GetAsync("/v1/changes"))["kernels"]!.AsArray()[^1]!["sequence"]!.GetValue<long>();
        Assert.Empty((await _api.GetAsync($"/v1/changes?since={seen}"))["kernels"]!.AsArray());
        await _api.Store.Catalogue.SeenAsync(ApiFixture.Build("6.1.0-2-amd64"), default);
        Assert.Single((await _api.GetAsync($"/v1/changes?since={seen}"))["kernels"]!.AsArray());
    }

    [Fact]
    public async Task ManifestNamesWhatTheCheckpointSigns()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        var manifest = await _api.GetAsync("/v1/manifest");
        var sums = await _api.Client.GetByteArrayAsync("/v1/SHA256SUMS");
        Assert.Equal(ApiFixture.Form(sums).Sha256, manifest["sums"]!["sha256"]!.GetValue<string>());
        var checkpoint = await _api.Client.GetByteArrayAsync("/v1/checkpoint");
        var key = Ed25519PublicKey.OfPem(await _api.Client.GetStringAsync("/v1/key.pem"));
        Assert.True(key.Verify(checkpoint, Convert.FromBase64String(manifest["signature"]!.GetValue<string>())));
        Assert.Equal(1, Checkpoint.Parse(checkpoint).Head.Position);
        var line = (await _api.Client.GetStringAsync("/v1/chain")).TrimEnd('\n').Split('\t', 3);
        Assert.Equal(ChainEntry.After(ChainHead.Empty, line[2]), new ChainEntry(1, line[1], line[2]));
    }

    /// <summary>A web server that knows nothing but files.</summary>
    private sealed class StaticServer : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly string _root;

        public StaticServer(string root)
        {
            _root = root;
            Address = new Uri($"http://127.0.0.1:{Ports.Free()}/");
            _listener.Prefixes.Add(Address.ToString());
            _listener.Start();
            _ = ServeAsync();
        }

        public Uri Address { get; }

        public void Dispose() => _listener.Close();

        private async Task ServeAsync()
        {
            while (_listener.IsListening)
            {
                var context = await _listener.GetContextAsync();
                var path = Path.Combine(_root, context.Request.Url!.AbsolutePath.TrimStart('/'));
                if (File.Exists(path))
                    await context.Response.OutputStream.WriteAsync(await File.ReadAllBytesAsync(path));
                else
                    context.Response.StatusCode = 404;
                context.Response.Close();
            }
        }
    }
}
