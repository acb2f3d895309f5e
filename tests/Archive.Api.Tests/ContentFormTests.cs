using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>Forms, codings, ranges and conditions.</summary>
public sealed class ContentFormTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("form_marker");

    private async Task<(string Path, Publication Publication)> PublishAsync(string uname) =>
        ($"/debian/12/x86_64/{uname}.btf", await api.PublishAsync(ApiFixture.Build(uname), Btf));

    private async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        return await api.Client.SendAsync(request);
    }

    [Theory]
    [InlineData(".zst", "zstd")]
    [InlineData(".gz", "gzip")]
    public async Task CompressedFormIsWhatItsToolUnpacks(string extension, string tool)
    {
        var (path, publication) = await PublishAsync("6.3.0-1-amd64");
        using var folder = new TempFolder();
        var answer = await api.Client.GetAsync(path + extension);
        var body = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal($"\"{ApiFixture.Form(body).Sha256}\"", answer.Headers.ETag!.Tag);
        await File.WriteAllBytesAsync(folder.File("x" + extension), body);
        Tool.Run(tool, "-dq", folder.File("x" + extension));
        Assert.Equal(publication.Raw, ApiFixture.Form(await File.ReadAllBytesAsync(folder.File("x"))));
        Assert.Equal(body, await api.Client.GetByteArrayAsync($"/v1/btf/{publication.Raw.Sha256}?form={extension[1..]}"));
    }

    [Theory]
    [InlineData("gzip", "gzip")]
    [InlineData("zstd", "zstd")]
    [InlineData("gzip, deflate, br, zstd", "zstd")]
    [InlineData("zstd;q=0.5, gzip;q=0.9", "gzip")]
    [InlineData("*", "zstd")]
    [InlineData("br", null)]
    [InlineData("gzip;q=0", null)]
    [InlineData("identity, gzip;q=0.5", null)]
    [InlineData(";;;", null)]
    [InlineData(null, null)]
    public async Task RawFormIsCodedAsTheClientLikes(string? accepted, string? coding)
    {
        var (path, _) = await PublishAsync("6.3.0-2-amd64");
        var answer = accepted is null ? await GetAsync(path) : await GetAsync(path, ("Accept-Encoding", accepted));
        Assert.Equal(coding is null ? [] : [coding], answer.Content.Headers.ContentEncoding);
        Assert.Contains("Accept-Encoding", answer.Headers.Vary);
        var body = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal($"\"{ApiFixture.Form(body).Sha256}\"", answer.Headers.ETag!.Tag);
        if (coding is null)
            Assert.Equal(Btf, body);
    }

    [Fact]
    public async Task GzipOfTheWebServerIsTheRawForm()
    {
        var (path, publication) = await PublishAsync("6.3.0-3-amd64");
        var answer = await GetAsync(path, ("Accept-Encoding", "gzip"));
        await using var gzip = new GZipStream(await answer.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        using var raw = new MemoryStream();
        await gzip.CopyToAsync(raw);
        Assert.Equal(publication.Raw, ApiFixture.Form(raw.ToArray()));
    }

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=5-", 5, -1)]
    [InlineData("bytes=-7", -7, -1)]
    [InlineData("bytes=10-99999999999999999999", 10, -1)]
    [InlineData("BYTES=1-2", 1, 3)]
    public async Task OneRangeIsThatPart(string range, int from, int to)
    {
        var (path, _) = await PublishAsync("6.3.0-4-amd64");
        var answer = await GetAsync(path, ("Range", range));
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        var start = from < 0 ? Btf.Length + from : from;
        var end = to < 0 ? Btf.Length : to;
        Assert.Equal(Btf[start..end], await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal($"bytes {start}-{end - 1}/{Btf.Length}", answer.Content.Headers.ContentRange!.ToString());
    }

    [Theory]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=5-1")]
    [InlineData("bytes=-")]
    [InlineData("bytes=")]
    [InlineData("lines=1-2")]
    [InlineData("bytes=0-,0-,0-")]
    [InlineData("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16")]
    public async Task RangeThatMakesNoSenseOrTooMuchWorkGetsTheWhole(string range)
    {
        var (path, _) = await PublishAsync("6.3.0-5-amd64");
        var answer = await GetAsync(path, ("Range", range));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(Btf, await answer.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("bytes=99999999-")]
    [InlineData("bytes=-0")]
    public async Task RangeBehindTheEndIsRefusedWithTheSize(string range)
    {
        var (path, _) = await PublishAsync("6.3.0-6-amd64");
        var answer = await GetAsync(path, ("Range", range));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, answer.StatusCode);
        Assert.Equal($"bytes */{Btf.Length}", answer.Content.Headers.ContentRange!.ToString());
    }

    [Fact]
    public async Task SeveralRangesComeAsParts()
    {
        var (path, _) = await PublishAsync("6.3.0-7-amd64");
        var answer = await GetAsync(path, ("Range", "bytes=0-3, 10-12, -2"));
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal("multipart/byteranges", answer.Content.Headers.ContentType!.MediaType);
        var body = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal(answer.Content.Headers.ContentLength, body.Length);
        var boundary = answer.Content.Headers.ContentType.Parameters.Single().Value;
        var parts = Encoding.Latin1.GetString(body).Split($"\r\n--{boundary}");
        Assert.Equal("--\r\n", parts[^1]);
        byte[][] wanted = [Btf[..4], Btf[10..13], Btf[^2..]];
        Assert.Equal(wanted, parts[1..^1].Select(p => Encoding.Latin1.GetBytes(p.Split("\r\n\r\n", 2)[1])));
        Assert.Contains($"Content-Range: bytes 10-12/{Btf.Length}", parts[2]);
    }

    [Theory]
    [InlineData("If-None-Match", "*", HttpStatusCode.NotModified)]
    [InlineData("If-None-Match", "\"0000\", {0}", HttpStatusCode.NotModified)]
    [InlineData("If-None-Match", "W/{0}", HttpStatusCode.NotModified)]
    [InlineData("If-None-Match", "\"0000\"", HttpStatusCode.OK)]
    [InlineData("If-None-Match", "no quotes", HttpStatusCode.OK)]
    [InlineData("If-Match", "{0}", HttpStatusCode.OK)]
    [InlineData("If-Match", "W/{0}", HttpStatusCode.PreconditionFailed)]
    [InlineData("If-Match", "\"0000\"", HttpStatusCode.PreconditionFailed)]
    [InlineData("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", HttpStatusCode.NotModified)]
    [InlineData("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", HttpStatusCode.OK)]
    [InlineData("If-Modified-Since", "yesterday", HttpStatusCode.OK)]
    [InlineData("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", HttpStatusCode.PreconditionFailed)]
    public async Task ConditionsAreKept(string header, string value, HttpStatusCode status)
    {
        var (path, publication) = await PublishAsync("6.3.0-8-amd64");
        var answer = await GetAsync(path, (header, value.Replace("{0}", $"\"{publication.Raw.Sha256}\"", StringComparison.Ordinal)));
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal($"\"{publication.Raw.Sha256}\"", answer.Headers.ETag!.Tag);
    }

    [Fact]
    public async Task FormsThatAreEvictedAreMadeAgain()
    {
        using var small = new ApiFixture(("FormCacheBytes", "1"));
        var first = await small.PublishAsync(ApiFixture.Build("6.3.0-9-amd64"), Btf);
        var second = await small.PublishAsync(ApiFixture.Build("6.3.0-10-amd64"), ApiFixture.MakeBtf("evicting_marker"));
        for (var i = 0; i < 3; i++)
        {
            foreach (var form in (Publication[])[first, second])
                Assert.Equal(form.Raw, ApiFixture.Form(await small.Client.GetByteArrayAsync($"/v1/btf/{form.Raw.Sha256}")));
        }
        Assert.InRange(Directory.EnumerateFiles(Path.Combine(small.Data, "cache", "forms"), "*", SearchOption.AllDirectories).Count(f => !f.Contains(".locks", StringComparison.Ordinal)), 0, 2);
    }

    [Fact]
    public async Task BlobThatIsNotWhatTheCatalogueSaysIsNeverServed()
    {
        var build = ApiFixture.Build("6.3.0-11-amd64");
        var good = await api.PublishAsync(build, ApiFixture.MakeBtf("wrong_marker"));
        await api.Store.Catalogue.RecordPublicationAsync(build, good with { Raw = new StoredForm(new string('e', 64), 5) }, default);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await api.Client.GetAsync("/debian/12/x86_64/6.3.0-11-amd64.btf")).StatusCode);
    }

    [Fact]
    public async Task TarballIsServedUncoded()
    {
        var (path, publication) = await PublishAsync("6.3.0-12-amd64");
        var answer = await GetAsync(path + ".tar.xz", ("Accept-Encoding", "gzip"));
        Assert.Empty(answer.Content.Headers.ContentEncoding);
        Assert.Equal(new EntityTagHeaderValue($"\"{publication.Tarball.Sha256}\""), answer.Headers.ETag);
        Assert.Equal(publication.Tarball, ApiFixture.Form(await api.Client.GetByteArrayAsync($"/by-digest/{publication.Tarball.Sha256[..2]}/{publication.Tarball.Sha256}.btf.tar.xz")));
    }
}
