using System.Globalization;
using System.Net;
using Archive.Extractor.Inventory;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf.Format;
using Btf.Text.CSource;
using TestKit;

namespace Archive.Api.Tests;

/// <summary><c>vmlinux.h</c>, types, functions, diffs and offsets of published kernels.</summary>
public sealed class TypeTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Old = "6.1.0-1-types", New = "6.1.0-2-types";
    private static readonly byte[] OldBtf = ApiFixture.MakeBtf("type_marker"), NewBtf = ApiFixture.MakeBtf("other_marker");

    private async Task<Publication> PublishAsync()
    {
        await api.PublishAsync(ApiFixture.Build(New), NewBtf);
        return await api.PublishAsync(ApiFixture.Build(Old), OldBtf);
    }

    private static string Of(string uname, string what) => $"/v1/kernels/debian/12/x86_64/{uname}/{what}";

    private async Task<string> TextAsync(string path)
    {
        var answer = await api.Client.GetAsync(new Uri(path, UriKind.Relative));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    [Fact]
    public async Task HeaderIsTheDumpAndIsNotMadeAgainForWhoHasIt()
    {
        await PublishAsync();
        using var expected = new StringWriter();
        CDump.Write(BtfBlob.Parse(OldBtf), expected);

        var answer = await api.Client.GetAsync(Of(Old, "vmlinux.h"));

        Assert.Equal(expected.ToString(), await answer.Content.ReadAsStringAsync());
        Assert.Equal("text/x-c", answer.Content.Headers.ContentType!.MediaType);
        using var again = new HttpRequestMessage(HttpMethod.Get, Of(Old, "vmlinux.h"));
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await api.Client.SendAsync(again)).StatusCode);
        using var other = new HttpRequestMessage(HttpMethod.Get, Of(New, "vmlinux.h"));
        other.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        Assert.Equal(HttpStatusCode.OK, (await api.Client.SendAsync(other)).StatusCode);
    }

    [Fact]
    public async Task TypeHasItsLayout()
    {
        await PublishAsync();

        var json = await api.GetAsync(Of(Old, "types/type_marker"));

        Assert.Equal(8, (int)json["types"]![0]!["layout"]!["members"]![1]!["byte_offset"]!);
        Assert.StartsWith("struct type_marker {\n\tint a; ", await TextAsync(Of(Old, "types/struct%20type_marker?format=text")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task FunctionHasWhatTheInventoryTells()
    {
        var publication = await PublishAsync();
        var inventory = new KernelInventory
        {
            Functions = [new("a.c", "hidden", FunctionTraits.Inlined), new("b.c", "main", FunctionTraits.External | FunctionTraits.Code)],
            SuffixedSymbols = ["main.cold"],
        };
        await api.Store.Blobs.PutAsync(BlobPaths.Inventory(publication.Tarball.Sha256), new MemoryStream(inventory.WriteCompressed(1)), PutMode.Replace, default);

        var main = await api.GetAsync(Of(Old, "functions/main"));
        var hidden = await api.GetAsync(Of(Old, "functions/hidden"));

        Assert.Equal(("int main(void)", "main.cold"), ((string)main["types"]![0]!["declaration"]!, (string)main["clones"]![0]!));
        Assert.Equal((true, false), ((bool)main["attachable"]!, (bool)hidden["attachable"]!));
        Assert.Equal((true, false), ((bool)hidden["places"]![0]!["inlined"]!, (bool)hidden["places"]![0]!["has_code"]!));
        Assert.Equal(inventory.WriteCompressed(1), await api.Client.GetByteArrayAsync(Of(Old, "inventory")));
        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.GetAsync(Of(New, "inventory"))).StatusCode);
    }

    [Fact]
    public async Task DiffTellsWhatChanged()
    {
        await PublishAsync();
        var with = $"with=debian/12/x86_64/{New}";

        var json = await api.GetAsync(Of(Old, $"diff?{with}"));

        Assert.Equal(["other_marker", "type_marker"], json["types"]!.AsArray().Select(change => (string)change!["name"]!));
        Assert.StartsWith($"# debian/12/x86_64/{Old} → debian/12/x86_64/{New}\n", await TextAsync(Of(Old, $"diff?{with}&format=md")), StringComparison.Ordinal);
    }

    /// <summary>A function that went may be there all the same, for no one to attach to.</summary>
    [Fact]
    public async Task DiffTellsWhatBecameOfAFunction()
    {
        await PublishAsync();
        var empty = await api.PublishAsync(ApiFixture.Build("6.1.0-3-empty"), MakeBtfWithoutFunctions());
        var inventory = new KernelInventory { Functions = [new("a.c", "main", FunctionTraits.Inlined)] };
        await api.Store.Blobs.PutAsync(BlobPaths.Inventory(empty.Tarball.Sha256), new MemoryStream(inventory.WriteCompressed(1)), PutMode.Replace, default);

        var json = await api.GetAsync(Of(Old, "diff?with=debian/12/x86_64/6.1.0-3-empty"));

        Assert.Equal(("main", "main of a.c is inlined everywhere"), ((string)json["functions"]![0]!["name"]!, (string)json["functions"]![0]!["why"]!));
        Assert.Contains("  int main(void)\n    main of a.c is inlined everywhere\n", await TextAsync(Of(Old, "diff?format=text&with=debian/12/x86_64/6.1.0-3-empty")), StringComparison.Ordinal);
    }

    private static byte[] MakeBtfWithoutFunctions()
    {
        var btf = new BtfWriter(littleEndian: true);
        btf.Begin(btf.AddString("int"u8), BtfKind.Int, flag: false, vlen: 0, sizeOrType: 4);
        btf.Word(1 << 24 | 32);
        return btf.ToArray();
    }

    [Fact]
    public async Task OffsetsGoOverKernels()
    {
        await PublishAsync();
        const string question = "/v1/offsets?uname=6.1.0-*-types&of=type_marker.next&of=type_marker.a|other_marker.a";

        var json = await api.GetAsync(question);

        Assert.Equal([8L, null], json["kernels"]!.AsArray().Select(kernel => (long?)kernel!["offsets"]![0]!["byte_offset"]));
        Assert.Equal("other_marker.a", (string)json["kernels"]![1]!["offsets"]![1]!["found"]!);
        Assert.Contains($"{{ \"debian/12/x86_64/{Old}\", 8, 0 }}", await TextAsync(question + "&format=c"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vmlinux.h", "6.1.0-404-none", HttpStatusCode.NotFound)]
    [InlineData("types/none", Old, HttpStatusCode.NotFound)]
    [InlineData("functions/none", Old, HttpStatusCode.NotFound)]
    [InlineData("types/type_marker?format=pdf", Old, HttpStatusCode.BadRequest)]
    [InlineData("diff", Old, HttpStatusCode.BadRequest)]
    [InlineData("diff?with=debian/12/x86_64/none", Old, HttpStatusCode.NotFound)]
    [InlineData("../../../../../../v1/offsets", Old, HttpStatusCode.BadRequest)]
    [InlineData("../../../../../../v1/offsets?of=x", Old, HttpStatusCode.BadRequest)]
    [InlineData("../../../../../../v1/offsets?of=a.b&uname=none", Old, HttpStatusCode.NotFound)]
    public async Task WhatCannotBeAnsweredIsAProblem(string what, string uname, HttpStatusCode status)
    {
        await PublishAsync();

        var answer = await api.Client.GetAsync(Of(uname, what));

        Assert.Equal((status, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
    }

    /// <summary>A header that clang takes, of a kernel as it is archived.</summary>
    [Fact]
    [Trait("Category", "Real")]
    public async Task HeaderOfARealKernelCompiles()
    {
        await api.PublishAsync(ApiFixture.Build("6.1.0-real"), BtfFile.Open(KernelCorpus.BookwormCloudAmd64.VmlinuxPath).Bytes.ToArray());
        using var folder = new TempFolder();
        folder.Write("vmlinux.h", await TextAsync(Of("6.1.0-real", "vmlinux.h")));
        var source = folder.Write("use.c", "#include \"vmlinux.h\"\nint pid(struct task_struct *task) { return task->real_parent->tgid; }\n");

        Tool.Run("clang", "-target", "bpf", "-g", "-O2", "-Werror", "-Wno-missing-declarations", "-c", source, "-o", folder.File("use.o"));

        var offset = (long)(await api.GetAsync("/v1/offsets?uname=6.1.0-real&of=task_struct.real_parent.tgid"))["kernels"]![0]!["offsets"]![0]!["byte_offset"]!;
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"/* {offset,5} "), (await TextAsync(Of("6.1.0-real", "types/task_struct?format=text"))).Split('\n').Single(line => line.Contains(" tgid;", StringComparison.Ordinal)), StringComparison.Ordinal);
    }
}
