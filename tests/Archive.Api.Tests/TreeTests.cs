using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Archive.Extractor.Packages;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>The tree as clients of btfhub-archive ask for it.</summary>
public sealed class TreeTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("tree_marker");

    private async Task<(string Path, Publication Publication)> PublishAsync(string uname)
    {
        var publication = await api.PublishAsync(ApiFixture.Build(uname), Btf);
        return ($"/debian/12/x86_64/{uname}.btf", publication);
    }

    [Fact]
    public async Task TarballHoldsOneMemberWhoseBytesAreTheRawForm()
    {
        var (path, publication) = await PublishAsync("6.1.0-1-amd64");
        var answer = await api.Client.GetAsync(path + ".tar.xz");
        Assert.Equal($"\"{publication.Tarball.Sha256}\"", answer.Headers.ETag!.Tag);
        var (name, btf) = BtfTarball.Unpack(await answer.Content.ReadAsStreamAsync());
        Assert.Equal("6.1.0-1-amd64.btf", name);
        Assert.Equal(btf, await api.Client.GetByteArrayAsync(path));
    }

    [Fact]
    public async Task ETagAndDigestAreTheSha256OfTheBody()
    {
        var (path, publication) = await PublishAsync("6.1.0-2-amd64");
        var answer = await api.Client.GetAsync(path);
        var body = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal(publication.Raw, ApiFixture.Form(body));
        Assert.Equal($"\"{publication.Raw.Sha256}\"", answer.Headers.ETag!.Tag);
        Assert.Equal($"sha-256=:{Convert.ToBase64String(Convert.FromHexString(publication.Raw.Sha256))}:", answer.Headers.GetValues("Repr-Digest").Single());
        Assert.Equal(body.Length, answer.Content.Headers.ContentLength);
    }

    [Theory]
    [InlineData("/debian/bookworm/x86_64/{0}.btf.tar.xz")]
    [InlineData("/debian/12/amd64/{0}.btf.tar.xz")]
    [InlineData("/%22debian%22/%2212%22/x86_64/{0}.btf.tar.xz")]
    [InlineData("/aquasecurity/btfhub-archive/raw/main/debian/12/x86_64/{0}.btf.tar.xz")]
    [InlineData("/aquasecurity/btfhub-archive/main/debian/12/x86_64/{0}.btf.tar.xz")]
    [InlineData("/aquasecurity/btfhub/raw/main/debian/12/x86_64/{0}.btf.tar.xz")]
    public async Task ClientsSpellingsFindTheKernel(string path)
    {
        var (_, publication) = await PublishAsync("6.12.3+deb12-amd64");
        var answer = await api.Client.GetAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, path, "6.12.3+deb12-amd64"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal($"\"{publication.Tarball.Sha256}\"", answer.Headers.ETag!.Tag);
    }

    [Fact]
    public async Task APathThatWasAskedForBeforeIsWhatTheCatalogueSaysNow()
    {
        var (path, first) = await PublishAsync("6.1.0-90-amd64");
        for (var again = 0; again < 2; again++)
            Assert.Equal($"\"{first.Raw.Sha256}\"", (await api.Client.GetAsync(path)).Headers.ETag!.Tag);
        var build = ApiFixture.Build("6.1.0-90-amd64", "6.1.90-2");
        var newer = await api.PublishAsync(build, ApiFixture.MakeBtf("newer_marker"));
        for (var again = 0; again < 2; again++)
            Assert.Equal($"\"{newer.Raw.Sha256}\"", (await api.Client.GetAsync(path)).Headers.ETag!.Tag);
        await api.Store.Catalogue.RecordOutcomeAsync(build, Outcome.Withdrawn, "because of the test", null, default);
        Assert.Equal($"\"{first.Raw.Sha256}\"", (await api.Client.GetAsync(path)).Headers.ETag!.Tag);
    }

    /// <summary>As large as what goes from the page cache to the socket, which has no <c>TCP_CORK</c> here.</summary>
    [Fact]
    public async Task AWholeFileGoesOverAUnixSocket()
    {
        using var own = new ApiFixture();
        var publication = await own.PublishAsync(ApiFixture.Build("6.1.0-91-amd64"), RandomNumberGenerator.GetBytes(1 << 20));
        using var folder = new TempFolder();
        var socket = folder.File("api");
        var digest = Tool.Shell($"""
            dotnet '{typeof(ApiOptions).Assembly.Location}' --Urls=http://unix:{socket} --Roles:Crawler=false --DataDirectory={own.Data} > /dev/null & server=$!
            trap 'kill $server; wait $server || true' EXIT
            curl -sSf --retry 30 --retry-delay 1 --retry-all-errors --unix-socket {socket} http://localhost/debian/12/x86_64/6.1.0-91-amd64.btf.tar.xz 2> /dev/null | sha256sum
            """);
        Assert.Equal(publication.Tarball.Sha256, digest[..64]);
    }

    [Fact]
    public async Task HeadAnswersWithTheStatusLineThatOldClientsGrepAndNoBody()
    {
        var (path, publication) = await PublishAsync("6.1.0-3-amd64");
        var head = api.Raw($"HEAD {path}.tar.xz HTTP/1.1");
        Assert.StartsWith("HTTP/1.1 200 OK", head);
        Assert.Contains($"Content-Length: {publication.Tarball.Size}", head);
    }

    [Fact]
    public async Task KnownETagIsNotSentAgain()
    {
        var (path, publication) = await PublishAsync("6.1.0-4-amd64");
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(new EntityTagHeaderValue($"\"{publication.Raw.Sha256}\""));
        Assert.Equal(HttpStatusCode.NotModified, (await api.Client.SendAsync(request)).StatusCode);
    }

    [Fact]
    public async Task RangeGivesThatPartAndAnImpossibleOneIsRefused()
    {
        var (path, _) = await PublishAsync("6.1.0-5-amd64");
        var part = await RangeAsync(path, new RangeHeaderValue(10, 19), null);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(Btf[10..20], await part.Content.ReadAsByteArrayAsync());
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, (await RangeAsync(path, new RangeHeaderValue(1 << 30, null), null)).StatusCode);
    }

    [Fact]
    public async Task RangeOfAnOlderVersionGetsTheWhole()
    {
        var (path, _) = await PublishAsync("6.1.0-6-amd64");
        var whole = await RangeAsync(path, new RangeHeaderValue(10, 19), "\"0000\"");
        Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        Assert.Equal(Btf.Length, (await whole.Content.ReadAsByteArrayAsync()).Length);
    }

    [Fact]
    public async Task CurlResumesWhereItBrokeOff()
    {
        var (path, publication) = await PublishAsync("6.1.0-7-amd64");
        using var folder = new TempFolder();
        await File.WriteAllBytesAsync(folder.File("part"), Btf[..100]);
        Tool.Run("curl", "-sf", "-C", "-", "-o", folder.File("part"), new Uri(api.Address, path).ToString());
        Assert.Equal(publication.Raw, ApiFixture.Form(await File.ReadAllBytesAsync(folder.File("part"))));
    }

    [Fact]
    public async Task ContentByDigestNeverChanges()
    {
        var (_, publication) = await PublishAsync("6.1.0-8-amd64");
        var raw = await api.Client.GetAsync($"/v1/btf/{publication.Raw.Sha256}");
        Assert.Contains("immutable", raw.Headers.CacheControl!.ToString());
        Assert.Equal(Btf, await raw.Content.ReadAsByteArrayAsync());
        var tarball = await api.Client.GetByteArrayAsync($"/v1/btf/{publication.Tarball.Sha256}");
        Assert.Equal(publication.Tarball, ApiFixture.Form(tarball));
        Assert.Contains("package", await api.Client.GetStringAsync($"/v1/btf/{publication.Tarball.Sha256}/provenance"));
        Assert.Equal(HttpStatusCode.NotFound, (await api.Client.GetAsync($"/v1/btf/{new string('0', 64)}")).StatusCode);
    }

    [Fact]
    public async Task ReadersNeverSeeAMixtureWhileANewerBuildTakesThePathOver()
    {
        const string Uname = "6.1.0-9-amd64";
        await api.PublishAsync(ApiFixture.Build(Uname, "6.1.9-1"), Btf);
        var newer = ApiFixture.MakeBtf("newer_marker");
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var seen = new HashSet<string>();
            while (!stop.IsCancellationRequested)
            {
                var answer = await api.Client.GetAsync($"/debian/12/x86_64/{Uname}.btf");
                var digest = ApiFixture.Form(await answer.Content.ReadAsByteArrayAsync()).Sha256;
                Assert.Equal($"\"{digest}\"", answer.Headers.ETag!.Tag);
                seen.Add(digest);
            }
            return seen;
        })).ToList();
        await Task.Delay(200);
        await api.PublishAsync(ApiFixture.Build(Uname, "6.1.9-2"), newer);
        await Task.Delay(300);
        await stop.CancelAsync();
        var all = (await Task.WhenAll(readers)).SelectMany(s => s).ToHashSet();
        Assert.Equal(new HashSet<string> { ApiFixture.Form(Btf).Sha256, ApiFixture.Form(newer).Sha256 }, all);
    }

    [Theory]
    [InlineData("/debian/12/x86_64/..%2f..%2fcatalogue.db.btf")]
    [InlineData("/debian/12/x86_64/name with blanks.btf")]
    [InlineData("/debian/12/x86_64/6.1.0-1-amd64.txt")]
    public async Task WhatIsNoFileOfTheTreeIsAProblem(string path)
    {
        var answer = await api.Client.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    private Task<HttpResponseMessage> RangeAsync(string path, RangeHeaderValue range, string? ifRange)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Range = range;
        if (ifRange is not null)
            request.Headers.IfRange = new RangeConditionHeaderValue(ifRange);
        return api.Client.SendAsync(request);
    }
}
