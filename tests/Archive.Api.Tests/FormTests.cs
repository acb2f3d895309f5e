using System.Net;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf.Dedup;
using Btf.Format;

namespace Archive.Api.Tests;

/// <summary>Forms that are made of a kernel's BTF and its modules'.</summary>
public sealed class FormTests : IClassFixture<FormTests.Archived>
{
    private readonly Archived _archived;

    public FormTests(Archived archived) => _archived = archived;

    /// <summary>A kernel with two modules.</summary>
    public sealed class Archived : IAsyncLifetime
    {
        public ApiFixture Api { get; } = new();

        public byte[] Kernel { get; } = ApiFixture.MakeBtf("kernel_marker");

        public byte[] First { get; private set; } = [];

        public Publication Publication { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            var merger = new BtfMerger(BtfBlob.Parse(Kernel));
            First = merger.Split(BtfBlob.Parse(ApiFixture.MakeBtf("first_marker")));
            var modules = BtfTarball.PackModules([new ModuleBtf("first", First, null), new ModuleBtf("second", merger.Split(BtfBlob.Parse(ApiFixture.MakeBtf("second_marker"))), null)], 1);
            var form = ApiFixture.Form(modules);
            await Api.Store.Blobs.PutAsync(BlobPaths.Modules(form.Sha256), new MemoryStream(modules), PutMode.CreateOnly, default);
            Publication = (await Api.PublishAsync(ApiFixture.Build("6.1.0-1-forms"), Kernel)) with { Modules = form };
            await Api.Store.Catalogue.RecordOutcomeAsync(ApiFixture.Build("6.1.0-1-forms"), Outcome.Withdrawn, "to be published with its modules", null, default);
            await Api.Store.Catalogue.RecordPublicationAsync(ApiFixture.Build("6.1.0-1-forms"), Publication, default);
        }

        public Task DisposeAsync()
        {
            Api.Dispose();
            return Task.CompletedTask;
        }
    }

    [Theory]
    [InlineData("flattened", "kernel_marker first_marker second_marker")]
    [InlineData("flattened?for=5.4", "kernel_marker first_marker second_marker")]
    [InlineData("modules/first?form=flattened", "kernel_marker first_marker")]
    [InlineData("down-level?without=float", "kernel_marker")]
    public async Task FormHasTheTypesOf(string path, string markers)
    {
        using var answer = await GetAsync(path);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        var blob = BtfBlob.Parse(bytes);
        foreach (var marker in (string[])["kernel_marker", "first_marker", "second_marker"])
            Assert.Equal(markers.Split(' ').Contains(marker), blob.Find(BtfKind.Struct, marker) is not null);
        Assert.Equal($"\"{ApiFixture.Form(bytes).Sha256}\"", answer.Headers.ETag!.Tag);
        Assert.Equal(bytes, await (await GetAsync(path)).Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task ModuleAloneIsSplitOnTheKernel()
    {
        using var answer = await GetAsync("modules/first");
        Assert.Equal(_archived.First, await answer.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("modules/third", HttpStatusCode.NotFound)]
    [InlineData("modules/%2A", HttpStatusCode.BadRequest)]
    [InlineData("modules/first?form=round", HttpStatusCode.BadRequest)]
    [InlineData("modules/first?for=5.4", HttpStatusCode.BadRequest)]
    [InlineData("flattened?without=everything", HttpStatusCode.BadRequest)]
    [InlineData("down-level?for=new", HttpStatusCode.BadRequest)]
    public async Task WhatThereIsNotIsAProblem(string path, HttpStatusCode status)
    {
        using var answer = await GetAsync(path);
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    private Task<HttpResponseMessage> GetAsync(string path) =>
        _archived.Api.Client.GetAsync(new Uri($"/v1/btf/{_archived.Publication.Raw.Sha256}/{path}", UriKind.Relative));
}
