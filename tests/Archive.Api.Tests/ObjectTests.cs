using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Archive.Extractor.Inventory;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Btf.CoRe;
using Btf.Format;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>An archive of small kernels, and an object that reads them.</summary>
public sealed class ObjectArchive : IAsyncLifetime, IDisposable
{
    public const string Old = "struct task { long state; int pid; } task;";
    public const string Program = """
        struct task { long state; int pid; } CORE;
        SEC("tc") long program(struct task *task) { long value = 0; probe_read(&value, 4, &task->pid); return value; }
        """;

    private const string New = "struct task { int pid; long __state; } task;";

    public ApiFixture Api { get; } = new(("Objects:MaxPerMinute", "10000"));

    public BpfCompiler Compiler { get; } = new();

    public byte[] Object { get; private set; } = [];

    public async Task InitializeAsync()
    {
        Object = await File.ReadAllBytesAsync(Compiler.Compile(Program));
        await PublishAsync("debian", "12", "x86_64", "6.1.0-9-amd64", Old);
        await PublishAsync("debian", "12", "x86_64", "6.1.0-10-amd64", Old);
        await PublishAsync("debian", "12", "arm64", "6.1.0-10-arm64", New);
        await PublishAsync("rhel", "8", "x86_64", "4.18.0-372.9.1.el8_6.x86_64", New);
    }

    /// <summary>A marker makes each kernel's BTF another.</summary>
    private Task PublishAsync(string distro, string version, string arch, string uname, string kernel) => Api.PublishAsync(
        ApiFixture.Build(uname, distro: distro, version: version, arch: arch),
        Compiler.Kernel($"{kernel} int marker_{string.Concat(uname.Where(char.IsAsciiLetterOrDigit))};").Kernel.Bytes.ToArray());

    public static async Task<HttpResponseMessage> SendAsync(ApiFixture api, string path, params (string Name, byte[] Bytes)[] files)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, bytes) in files)
            form.Add(new ByteArrayContent(bytes), "bpf", name);
        return await api.Client.PostAsync(new Uri(path, UriKind.Relative), form);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        Api.Dispose();
        Compiler.Dispose();
    }
}

/// <summary>Bundles as their readers look kernels up, reports, and what is refused.</summary>
[Trait("Category", "Real")]
public sealed class ObjectTests(ObjectArchive archive) : IClassFixture<ObjectArchive>
{
    private readonly ApiFixture _api = archive.Api;
    private readonly BpfCompiler _compiler = archive.Compiler;
    private readonly byte[] _object = archive.Object;

    private Task<HttpResponseMessage> SendAsync(string path, params (string Name, byte[] Bytes)[] files) => ObjectArchive.SendAsync(_api, path, files);

    private async Task<Dictionary<string, byte[]>> BundleAsync(string query)
    {
        using var answer = await SendAsync($"/v1/minimize?{query}", ("program.bpf.o", _object));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await using var body = await answer.Content.ReadAsStreamAsync();
        await using var tar = answer.Content.Headers.ContentType!.MediaType == "application/gzip" ? new GZipStream(body, CompressionMode.Decompress) : body;
        return await MembersAsync(tar);
    }

    private static async Task<Dictionary<string, byte[]>> MembersAsync(Stream tar)
    {
        var members = new Dictionary<string, byte[]>();
        await using var reader = new TarReader(tar);
        while (await reader.GetNextEntryAsync() is { } entry)
        {
            Assert.Equal((TarEntryFormat.Ustar, DateTimeOffset.UnixEpoch), (entry.Format, entry.ModificationTime));
            using var content = new MemoryStream();
            await entry.DataStream!.CopyToAsync(content);
            members.Add(entry.Name, content.ToArray());
        }
        return members;
    }

    [Fact]
    public async Task KernelsThatNeedTheSameShareOneBlob()
    {
        var members = await BundleAsync("");

        var index = JsonNode.Parse(members["index.json"])!;
        var kernels = index["kernels"]!.AsArray();
        Assert.Equal(
            ["debian/12/arm64/6.1.0-10-arm64:0", "debian/12/x86_64/6.1.0-9-amd64:1", "debian/12/x86_64/6.1.0-10-amd64:1", "rhel/8/x86_64/4.18.0-372.9.1.el8_6.x86_64:0"],
            kernels.Select(kernel => $"{kernel!["distro"]}/{kernel["version"]}/{kernel["arch"]}/{kernel["uname"]}:{kernel["class"]}"));
        Assert.Equal(3, members.Count);
        foreach (var item in index["classes"]!.AsArray())
            Assert.Equal((string)item!["sha256"]!, Convert.ToHexStringLower(SHA256.HashData(members[(string)item["path"]!])));
        Assert.Equal(64u, BtfBlob.Parse(members[(string)index["classes"]![1]!["path"]!]).Find(BtfKind.Struct, "task")!.Value.Members[0].BitOffset);
    }

    [Fact]
    public async Task BundleHasWhatBpftoolMakes()
    {
        using var folder = new TempFolder();
        var kernel = _compiler.Compile(ObjectArchive.Old);
        await File.WriteAllBytesAsync(folder.File("program.bpf.o"), _object);
        Tool.Run("bpftool", "gen", "min_core_btf", kernel, folder.File("minimal.btf"), folder.File("program.bpf.o"));

        var members = await BundleAsync("profile=gala-gopher&uname=6.1.0-9-*");

        Assert.Equal(File.ReadAllBytes(folder.File("minimal.btf")), Assert.Single(members).Value);
        Assert.Equal("6.1.0-9-amd64.btf", Assert.Single(members).Key);
    }

    [Theory]
    [InlineData("bpf-compatible", "./btfhub-archive/debian/12/aarch64/6.1.0-10-arm64.btf", "./btfhub-archive/rhel/8.6/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf")]
    [InlineData("bcc", "./debian/12/aarch64/6.1.0-10-arm64.btf", "./\"rhel\"/8.6/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf")]
    [InlineData("inspektor-gadget", "debian/12/aarch64/6.1.0-10-arm64.btf", "rhel/8.6/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf")]
    [InlineData("inspektor-gadget-embedded", "btfs/arm64/debian/12/aarch64/6.1.0-10-arm64.btf", "btfs/x86/rhel/8/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf")]
    [InlineData("tracee", "debian/12/aarch64/6.1.0-10-arm64.btf", "rhel/8/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf")]
    [InlineData("btfhub", "debian/12/arm64/6.1.0-10-arm64.btf.tar.xz", "rhel/8/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf.tar.xz")]
    [InlineData("datadog", "btfs/debian/12/arm64/6.1.0-10-arm64.btf.tar.xz", "btfs/rhel/8/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf.tar.xz")]
    [InlineData("gala-gopher", "6.1.0-10-arm64.btf", "4.18.0-372.9.1.el8_6.x86_64.btf")]
    public async Task ProfileHasThePathsThatItsReaderLooksUp(string profile, params string[] paths)
    {
        var members = await BundleAsync($"profile={profile}");

        foreach (var path in paths)
        {
            var content = members[path];
            if (path.EndsWith(".tar.xz", StringComparison.Ordinal))
                (_, content) = BtfTarball.Unpack(new MemoryStream(content));
            Assert.NotNull(BtfBlob.Parse(content).Find(BtfKind.Struct, "task"));
        }
    }

    /// <summary>The reader of libbpf-tools: headers one after the other, the name field alone, by strcmp.</summary>
    [Fact]
    public async Task ReaderOfBccFindsItsKernel()
    {
        using var answer = await SendAsync("/v1/minimize?profile=bcc", ("program.bpf.o", _object));
        using var tar = new MemoryStream();
        await new GZipStream(await answer.Content.ReadAsStreamAsync(), CompressionMode.Decompress).CopyToAsync(tar);

        var found = FindAsBccDoes(tar.ToArray(), "./\"rhel\"/8.6/x86_64/4.18.0-372.9.1.el8_6.x86_64.btf");

        Assert.Equal(BtfKind.Struct, BtfBlob.Parse(found)[1].Kind);
    }

    private static byte[] FindAsBccDoes(byte[] tar, string wanted)
    {
        for (var at = 0; tar[at] != 0;)
        {
            var name = Encoding.ASCII.GetString(tar, at, 100).Split('\0')[0];
            var length = Convert.ToInt32(Encoding.ASCII.GetString(tar, at + 124, 11).Trim('\0', ' '), 8);
            if (name == wanted)
                return tar[(at + 512)..(at + 512 + length)];
            at += (1 + (length + 511) / 512) * 512;
        }
        throw new InvalidOperationException($"{wanted} is not there");
    }

    [Fact]
    public async Task SameRequestGivesTheSameBytes()
    {
        var answers = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            using var answer = await SendAsync("/v1/minimize?profile=bpf-compatible", ("program.bpf.o", _object));
            answers.Add(Convert.ToHexString(SHA256.HashData(await answer.Content.ReadAsByteArrayAsync())));
        }

        Assert.Single(answers.Distinct());
    }

    [Theory]
    [InlineData("distro=rhel", 1)]
    [InlineData("distro=redhat&version=8.6", 1)]
    [InlineData("arch=amd64", 3)]
    [InlineData("arch=aarch64,x86_64&distro=debian", 3)]
    [InlineData("uname=*-amd64", 2)]
    [InlineData("since=2020-01-01", 4)]
    [InlineData("since=2020-01-01&until=2100-01-01", 4)]
    public async Task FilterSelectsKernels(string filter, int expected) =>
        Assert.Equal(expected, JsonNode.Parse((await BundleAsync(filter))["index.json"])!["kernels"]!.AsArray().Count);

    [Fact]
    public async Task ModulesAreTargetsToo()
    {
        using var api = new ApiFixture();
        using var folder = new TempFolder();
        var kernel = _compiler.Kernel("struct task { int pid; } task;").Kernel.Bytes.ToArray();
        await File.WriteAllBytesAsync(folder.File("kernel.btf"), kernel);
        Tool.Run("gcc", "-g", "-c", "-o", folder.File("module.o"), folder.Write("module.c", "struct of_module { long x; int count; } x;"));
        Tool.Run("pahole", $"--btf_base={folder.File("kernel.btf")}", $"--btf_encode_detached={folder.File("module.btf")}", folder.File("module.o"));
        await api.PublishAsync(ApiFixture.Build("6.1.0-9-amd64"), kernel, null, new ModuleBtf("my_module", await File.ReadAllBytesAsync(folder.File("module.btf")), null));
        var item = await File.ReadAllBytesAsync(_compiler.Compile("""
            struct of_module { int count; } CORE;
            SEC("tc") long program(struct of_module *item) { long value = 0; probe_read(&value, 4, &item->count); return value; }
            """));

        Assert.Equal("error", await VerdictAsync(api, "", item));
        Assert.Equal("error", await VerdictAsync(api, "?modules=another", item));
        Assert.Equal("ok", await VerdictAsync(api, "?modules=all", item));
        Assert.Equal("ok", await VerdictAsync(api, "?modules=another,my-module", item));
        using var answer = await ObjectArchive.SendAsync(api, "/v1/minimize?profile=gala-gopher&modules=my_module", ("program.bpf.o", item));
        var minimal = (await MembersAsync(await answer.Content.ReadAsStreamAsync()))["6.1.0-9-amd64.btf"];
        Assert.Equal(64u, BtfBlob.Parse(minimal).Find(BtfKind.Struct, "of_module")!.Value.Members[0].BitOffset);
    }

    private static async Task<string> VerdictAsync(ApiFixture api, string query, byte[] item)
    {
        using var answer = await ObjectArchive.SendAsync(api, $"/v1/compat{query}", ("program.bpf.o", item));
        return (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["objects"]![0]!["verdict"]!;
    }

    [Fact]
    public async Task OffsetsOfAnObjectsFieldsAreAProfile()
    {
        using var json = await SendAsync("/v1/minimize?profile=offsets-json&arch=x86_64&distro=debian", ("program.bpf.o", _object));
        var kernels = JsonNode.Parse(await json.Content.ReadAsStringAsync())!["kernels"]!.AsArray();
        Assert.Equal(2, kernels.Count);
        Assert.All(kernels, kernel => Assert.Equal(("task.pid", 8), ((string)kernel!["offsets"]![0]!["path"]!, (int)kernel["offsets"]![0]!["byte_offset"]!)));

        using var c = await SendAsync("/v1/minimize?profile=offsets-c", ("program.bpf.o", _object));
        Assert.Contains("\t{ \"debian/12/arm64/6.1.0-10-arm64\", 0 },\n\t{ \"debian/12/x86_64/6.1.0-9-amd64\", 8 },\n", await c.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CustomizeAnswersAsBtfhubOnlineDoes()
    {
        using var answer = await SendAsync("/api/v1/customize?distribution=debian&distribution_version=12&kernel_version=6.1.0-9-amd64&arch=x86_64", ("from_memory", _object));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var (name, btf) = BtfTarball.Unpack(await answer.Content.ReadAsStreamAsync());
        Assert.Equal("6.1.0-9-amd64.btf", name);
        Assert.Equal(MinimalBtf.Make(_compiler.Kernel(ObjectArchive.Old), [BpfObject.Parse(_object)]), btf);
    }

    [Fact]
    public async Task ReportTellsKernelsApart()
    {
        var item = await File.ReadAllBytesAsync(_compiler.Compile(ObjectArchive.Program.Replace("pid);", "state);", StringComparison.Ordinal).Replace("value, 4", "value, 8", StringComparison.Ordinal).Replace("&task->pid", "&task->state", StringComparison.Ordinal)));

        using var answer = await SendAsync("/v1/compat", ("state.bpf.o", item));

        var report = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["objects"]![0]!;
        Assert.Equal(("error", 2, 2), ((string)report["verdict"]!, (int)report["ok"]!, (int)report["error"]!));
        Assert.Equal(2, report["classes"]!.AsArray().Count);
        var branch = report["branches"]!.AsArray().Single(branch => (string)branch!["branch"]! == "debian/12/x86_64 amd64")!;
        Assert.Equal(("debian/12/x86_64/6.1.0-9-amd64", "debian/12/x86_64/6.1.0-10-amd64"), ((string)branch["first_good"]!, (string)branch["last_good"]!));
        var finding = report["classes"]![0]!["findings"]![0]!;
        Assert.Equal(("struct task.state", "struct task has no member state, but __state"), ((string)finding["access"]!, (string)finding["explanation"]!));
    }

    [Fact]
    public async Task InventoryExplainsWhatBtfCannot()
    {
        using var api = new ApiFixture();
        var publication = await api.PublishAsync(ApiFixture.Build("6.1.0-9-amd64"), _compiler.Kernel("int schedule(void *p) { return 0; }").Kernel.Bytes.ToArray());
        var inventory = new KernelInventory
        {
            Functions =
            [
                new("kernel/a.c", "inlined", FunctionTraits.Inlined), new("kernel/a.c", "cloned", FunctionTraits.Code), new("kernel/a.c", "odd", FunctionTraits.Code),
            ],
            SuffixedSymbols = ["cloned.isra.0", "odd.cold"],
        };
        await api.Store.Blobs.PutAsync(BlobPaths.Inventory(publication.Tarball.Sha256), new MemoryStream(inventory.WriteCompressed(1)), PutMode.CreateOnly, default);
        var item = await File.ReadAllBytesAsync(_compiler.Compile("#define P(section, name) SEC(section) int name(void *context) { return 0; }\nP(\"kprobe/inlined\", a) P(\"kprobe/cloned\", b) P(\"kprobe/odd\", c) P(\"kprobe/gone\", d)"));

        using var answer = await ObjectArchive.SendAsync(api, "/v1/compat", ("probes.o", item));

        var findings = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["objects"]![0]!["classes"]![0]!["findings"]!.AsArray();
        Assert.Equal(
            ["inlined of kernel/a.c is inlined everywhere", "the compiler changed cloned of kernel/a.c: its symbol is cloned.isra.0", "the kernel has no function gone"],
            findings.Select(finding => (string)finding!["explanation"]!).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("md", "text/markdown", "| branch | kernels |")]
    [InlineData("table", "text/plain", "program.bpf.o (cilium)")]
    public async Task ReportIsForPeopleToo(string format, string type, string part)
    {
        using var answer = await SendAsync($"/v1/compat?loader=cilium&format={format}", ("program.bpf.o", _object));

        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains(part, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OneObjectMayBeTheBody()
    {
        using var answer = await _api.Client.PostAsync(new Uri("/v1/compat", UriKind.Relative), new ByteArrayContent(_object));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("empty", "file too short")]
    [InlineData("text", "no ELF magic")]
    [InlineData("truncated", "")]
    [InlineData("host", "built for X8664")]
    [InlineData("type-id", "type id out of range (value 0x77777777)")]
    [InlineData("no-btf", ".BTF+0x0: the object has no such section: build it with clang -g")]
    public async Task DefectIsToldPrecisely(string what, string expected)
    {
        var bytes = what switch
        {
            "empty" => [],
            "text" => Encoding.ASCII.GetBytes(new string('x', 1000)),
            "truncated" => _object[..(_object.Length / 2)],
            "type-id" => WithTypeId(0x77777777),
            "host" => await File.ReadAllBytesAsync("/bin/true"),
            _ => await File.ReadAllBytesAsync(_compiler.Compile(ObjectArchive.Program, "-g0")),
        };

        foreach (var path in (string[])["/v1/minimize", "/v1/compat", "/api/v1/customize?distribution=debian&distribution_version=12&kernel_version=6.1.0-9-amd64&arch=x86_64"])
        {
            using var answer = await SendAsync(path, ("good.o", _object), ("bad.o", bytes));
            var problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
            Assert.StartsWith("bad.o: ", (string)problem["detail"]!, StringComparison.Ordinal);
            Assert.Contains(expected, (string)problem["detail"]!, StringComparison.Ordinal);
        }
    }

    /// <summary>The object with another local type in its first relocation.</summary>
    private byte[] WithTypeId(uint id)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("o"), _object);
        Tool.Shell($"cd '{folder.FullPath}' && objcopy -I elf64-little --dump-section .BTF.ext=ext o");
        var ext = File.ReadAllBytes(folder.File("ext"));
        var first = (int)(BitConverter.ToUInt32(ext, 4) + BitConverter.ToUInt32(ext, 24)) + 12;
        BitConverter.TryWriteBytes(ext.AsSpan(first + 4), id);
        File.WriteAllBytes(folder.File("ext"), ext);
        Tool.Shell($"cd '{folder.FullPath}' && objcopy -I elf64-little -O elf64-little --update-section .BTF.ext=ext o");
        return File.ReadAllBytes(folder.File("o"));
    }

    [Theory]
    [InlineData("profile=none", HttpStatusCode.BadRequest)]
    [InlineData("header=25", HttpStatusCode.BadRequest)]
    [InlineData("byte_order=middle", HttpStatusCode.BadRequest)]
    [InlineData("since=yesterday-ish", HttpStatusCode.BadRequest)]
    [InlineData("until=later", HttpStatusCode.BadRequest)]
    [InlineData("modules=../x", HttpStatusCode.BadRequest)]
    [InlineData("distro=../..", HttpStatusCode.BadRequest)]
    [InlineData("distro=fedora", HttpStatusCode.NotFound)]
    public async Task QueryThatCannotBeMeantIsRefused(string query, HttpStatusCode expected)
    {
        using var answer = await SendAsync($"/v1/minimize?{query}", ("program.bpf.o", _object));

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task TooMuchIsRefusedByItsSize()
    {
        using var large = await SendAsync("/v1/minimize", ("large.o", new byte[(8 << 20) + 1]));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);

        using var many = await SendAsync("/v1/minimize", [.. Enumerable.Repeat(("program.bpf.o", _object), 129)]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, many.StatusCode);
    }

    [Fact]
    public async Task TooOftenIsToldToComeLater()
    {
        using var api = new ApiFixture();
        var statuses = new List<HttpStatusCode>();
        // The allowance grows back by one a second, which a slow machine takes for a few requests.
        while (statuses.Count < 600 && !statuses.Contains(HttpStatusCode.TooManyRequests))
        {
            using var answer = await ObjectArchive.SendAsync(api, "/v1/minimize?distro=fedora", ("program.bpf.o", _object));
            statuses.Add(answer.StatusCode);
            if (answer.StatusCode == HttpStatusCode.TooManyRequests)
                Assert.Equal(60, answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, statuses[^1]);
        Assert.InRange(statuses.Count(status => status == HttpStatusCode.NotFound), 60, 598);
    }

    [Fact]
    public async Task BrokenMultipartIsABadRequest()
    {
        using var content = new ByteArrayContent(Encoding.ASCII.GetBytes("--b\r\nContent-Disposition: form-data; name=\"bpf\"; filename=\"x.o\"\r\n\r\nabc"));
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");
        using var answer = await _api.Client.PostAsync(new Uri("/v1/minimize", UriKind.Relative), content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }
}
