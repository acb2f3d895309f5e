using System.Net;
using System.Xml.Linq;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>Bulk downloads, coverage and badges.</summary>
public sealed class BulkTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("bulk_marker"), Other = ApiFixture.MakeBtf("bulk_other_marker");

    [Theory]
    [InlineData("tar", ".btf.tar.xz", "tar -x")]
    [InlineData("tar.zst", ".btf", "zstd -d | tar -x")]
    [InlineData("tar.zst&window=30", ".btf", "zstd -d --long=30 | tar -x")]
    public async Task TarHasTheNewestBuildOfEachKernel(string format, string extension, string unpack)
    {
        await api.PublishAsync(ApiFixture.Build("5.10.0-1-bulk", "1"), Other);
        var one = await api.PublishAsync(ApiFixture.Build("5.10.0-1-bulk", "2"), Btf);
        var two = await api.PublishAsync(ApiFixture.Build("5.10.0-2-bulk"), Other);
        using var folder = new TempFolder();
        Tool.Shell($"cd '{folder.FullPath}'; curl -sf '{api.Address}v1/bulk?uname=*-bulk&format={format}' | {unpack}");
        Assert.Equal(2, Directory.GetFiles(folder.FullPath, "*", SearchOption.AllDirectories).Length);
        foreach (var (uname, publication) in new[] { ("5.10.0-1-bulk", one), ("5.10.0-2-bulk", two) })
        {
            var form = ApiFixture.Form(await File.ReadAllBytesAsync(folder.File($"debian/12/x86_64/{uname}{extension}")));
            Assert.Equal(extension == ".btf" ? publication.Raw : publication.Tarball, form);
        }
    }

    [Fact]
    public async Task SeriesComesBackAsTheSameBytesAndIsSmaller()
    {
        var kernels = Enumerable.Range(0, 6).Select(i => (Build: ApiFixture.Build($"5.13.0-{i}-{(i % 2 == 0 ? "series" : "rt-series")}"), Btf: ApiFixture.MakeBtf($"series_marker_{i}"))).ToList();
        foreach (var (build, btf) in kernels)
            await api.PublishAsync(build, btf);
        using var folder = new TempFolder();
        var series = await api.Client.GetByteArrayAsync(new Uri("/v1/bulk?uname=*-series&format=series", UriKind.Relative));
        await File.WriteAllBytesAsync(folder.File("file"), series);
        Assert.Equal(0, await Commands.ArchiveCommands.TryRunAsync(["bulk", "unpack", folder.File("file"), folder.File("out")]));
        foreach (var (build, btf) in kernels)
            Assert.Equal(btf, await File.ReadAllBytesAsync(folder.File($"out/{build.Key}.btf")));
        await File.WriteAllBytesAsync(folder.File("cut"), series[..^10]);
        Assert.Equal(1, await Commands.ArchiveCommands.TryRunAsync(["bulk", "unpack", folder.File("cut"), folder.File("cut-out")]));
    }

    [Fact]
    public async Task InterruptedBulkGoesOnBehindAPlace()
    {
        for (var i = 1; i <= 3; i++)
            await api.PublishAsync(ApiFixture.Build($"5.11.0-{i}-resume"), Btf);
        var names = Tool.Shell($"curl -sf '{api.Address}v1/bulk?uname=*-resume&format=tar&after=debian/12/x86_64/5.11.0-1-resume' | tar -t");
        Assert.Equal("debian/12/x86_64/5.11.0-2-resume.btf.tar.xz\ndebian/12/x86_64/5.11.0-3-resume.btf.tar.xz\n", names);
    }

    [Theory]
    [InlineData("format=rar")]
    [InlineData("window=9")]
    [InlineData("window=x")]
    [InlineData("after=debian")]
    public async Task WrongBulkIsAProblem(string query) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await api.Client.GetAsync("/v1/bulk?" + query)).StatusCode);

    [Fact]
    public async Task CoverageCountsAndNamesTheGaps()
    {
        using var own = new ApiFixture([]);
        await own.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        await own.PublishAsync(ApiFixture.Build("6.1.0-2-amd64"), Other);
        await own.Store.Catalogue.SeenAsync(ApiFixture.Build("6.1.0-3-amd64"), default);
        var failed = ApiFixture.Build("6.1.0-4-amd64");
        await own.Store.Catalogue.SeenAsync(failed, default);
        await own.Store.Catalogue.RecordOutcomeAsync(failed, Outcome.Malformed, "a bad form", null, default);
        await own.PublishAsync(ApiFixture.Build("5.10.0-1-amd64", version: "11"), Btf);
        await own.Store.Catalogue.FinishRunAsync(await own.Store.Catalogue.StartRunAsync("debian", default), new(4, 4, 3, 1, 1, null), default);
        var coverage = await own.GetAsync("/v1/coverage?distro=debian&version=bookworm");
        var row = Assert.Single(coverage["coverage"]!.AsArray())!;
        Assert.Equal((4, 2, 2, 1, 1), (Number("known"), Number("published"), Number("native"), Number("failed"), Number("missing")));
        Assert.Equal("debian", coverage["last_crawls"]![0]!["source"]!.GetValue<string>());
        var gaps = (await own.GetAsync("/v1/coverage/gaps?distro=debian"))["gaps"]!.AsArray();
        Assert.Equal(["debian/12/x86_64/6.1.0-3-amd64", "debian/12/x86_64/6.1.0-4-amd64"], gaps.Select(g => g!["place"]!.GetValue<string>()));
        Assert.Equal("a bad form", gaps[1]!["reason"]!.GetValue<string>());

        int Number(string name) => row[name]!.GetValue<int>();
    }

    [Theory]
    [InlineData("", "BTF: ")]
    [InlineData("?distro=nowhere", "BTF nowhere: unknown")]
    [InlineData("?distro=%3Cscript%3E%22", "&lt;script&gt;")]
    public async Task BadgeIsAnImage(string query, string text)
    {
        await api.PublishAsync(ApiFixture.Build("5.12.0-1-badge"), Btf);
        var answer = await api.Client.GetAsync("/v1/badge.svg" + query);
        Assert.Equal("image/svg+xml", answer.Content.Headers.ContentType!.MediaType);
        var svg = await answer.Content.ReadAsStringAsync();
        Assert.Equal("svg", XDocument.Parse(svg).Root!.Name.LocalName);
        Assert.Contains(text, svg);
    }
}
