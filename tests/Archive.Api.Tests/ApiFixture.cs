using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Archive.Extractor.Packages;
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>The real application on a real socket, over a real store in a folder of its own.</summary>
public sealed class ApiFixture : IDisposable
{
    private readonly TempFolder _data = new();
    private readonly WebApplicationFactory<ApiOptions> _factory;

    public ApiFixture()
        : this([])
    {
    }

    /// <param name="settings">Further settings, by name.</param>
    internal ApiFixture(params (string Name, string Value)[] settings)
        : this(_ => { }, settings)
    {
    }

    /// <param name="prepare">Fills the data directory before the start.</param>
    internal ApiFixture(Action<string> prepare, params (string Name, string Value)[] settings)
    {
        prepare(_data.FullPath);
        _factory = new WebApplicationFactory<ApiOptions>().WithWebHostBuilder(host =>
        {
            host.UseSetting("DataDirectory", _data.FullPath);
            host.UseSetting("Urls", "http://127.0.0.1:0");
            foreach (var (name, value) in settings.Append((Name: "Roles:Crawler", Value: "false")).DistinctBy(s => s.Name))
                host.UseSetting(name, value);
        });
        _factory.UseKestrel();
        _factory.StartServer();
        Client = _factory.CreateClient();
        Store = _factory.Services.GetRequiredService<ArchiveStore>();
    }

    public HttpClient Client { get; }

    public ArchiveStore Store { get; }

    public string Data => _data.FullPath;

    public Uri Address => Client.BaseAddress!;

    /// <summary>BTF of a real program, with the marker as a struct in it.</summary>
    public static byte[] MakeBtf(string marker)
    {
        using var folder = new TempFolder();
        var source = folder.Write("program.c", $"struct {marker} {{ int a; struct {marker} *next; }} x; int main(void) {{ return x.a; }}");
        Tool.Run("gcc", "-g", "-c", "-o", folder.File("program.o"), source);
        Tool.Run("pahole", "--btf_gen_floats", $"--btf_encode_detached={folder.File("btf")}", folder.File("program.o"));
        return File.ReadAllBytes(folder.File("btf"));
    }

    public static KernelBuild Build(string uname, string packageVersion = "6.1.1-1", string distro = "debian", string version = "12", string arch = "x86_64") => new()
    {
        Key = new KernelKey(distro, version, arch, uname),
        PackageName = $"linux-image-{uname}-dbg",
        PackageVersion = packageVersion,
        PackageSha256 = new string('a', 64),
        PackageSize = 1000,
        PackageUrl = new Uri("http://mirror.example/pool/package.deb"),
    };

    /// <summary>Publishes BTF as the crawler does: blobs first, the catalogue's row last.</summary>
    public async Task<Publication> PublishAsync(KernelBuild build, byte[] btf, string? buildId = null, params ModuleBtf[] modules)
    {
        var packed = modules.Length > 0 ? BtfTarball.PackModules(modules, 1) : null;
        var tarball = BtfTarball.Pack(build.Key.Uname, btf, 1);
        var provenance = Encoding.UTF8.GetBytes($$"""{"package":"{{build.PackageName}}"}""");
        var publication = new Publication
        {
            BuildId = buildId,
            TakenFrom = "btf",
            ShipsBtf = true,
            PublishedAt = DateTimeOffset.UtcNow,
            Raw = Form(btf),
            Tarball = Form(tarball),
            Provenance = Form(provenance),
            Modules = packed is null ? null : Form(packed),
        };
        await Store.Blobs.PutAsync(BlobPaths.Tarball(publication.Tarball.Sha256), new MemoryStream(tarball), PutMode.CreateOnly, default);
        if (packed is not null)
            await Store.Blobs.PutAsync(BlobPaths.Modules(publication.Modules!.Sha256), new MemoryStream(packed), PutMode.Replace, default);
        await Store.Blobs.PutAsync(BlobPaths.Provenance(publication.Tarball.Sha256), new MemoryStream(provenance), PutMode.Replace, default);
        await Store.Catalogue.RecordPublicationAsync(build, publication, default);
        return publication;
    }

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await (await Client.GetAsync(new Uri(path, UriKind.Relative))).Content.ReadAsStringAsync())!;

    /// <summary>A request written by hand, as old clients do; the first line and the headers of the answer.</summary>
    public string Raw(string request)
    {
        using var client = new TcpClient(Address.Host, Address.Port);
        using var stream = client.GetStream();
        stream.Write(Encoding.ASCII.GetBytes(request.ReplaceLineEndings("\r\n") + "\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return reader.ReadToEnd().Split("\r\n\r\n")[0];
    }

    /// <summary>Stops the server as a signal does, and returns when it has.</summary>
    public void Stop() => _factory.Services.GetRequiredService<Microsoft.Extensions.Hosting.IHost>().StopAsync().GetAwaiter().GetResult();

    public static StoredForm Form(byte[] bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length);

    public void Dispose()
    {
        Client.Dispose();
        _factory.Dispose();
        _data.Dispose();
    }
}
