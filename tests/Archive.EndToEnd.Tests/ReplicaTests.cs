using System.Net;
using System.Text;
using Archive.EndToEnd.Tests.Hosts;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>Two processes over one store, as behind a balancer.</summary>
[Trait("Category", "Real")]
public sealed class ReplicaTests(HostArchive archive) : IClassFixture<HostArchive>
{
    [Fact]
    public async Task SharedReportIsTheSameOnBothAndGoneOnBoth()
    {
        using var other = ArchiveProcess.Start(archive.Data, "--Roles:Crawler=false");
        _ = other.WaitForKernel(TimeSpan.FromMinutes(1));
        using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var form = new MultipartFormDataContent { { new ByteArrayContent(await File.ReadAllBytesAsync(BpfObjectCorpus.OfBookworm("execsnoop").Path)), "object", "execsnoop.o" } };
        using var accepted = await client.PostAsync(new Uri(archive.Process.Address, "compat"), form);
        var path = accepted.Headers.Location!.ToString();

        var here = await ReportAsync(client, archive.Process.Address, path);
        Assert.Equal(here, await ReportAsync(client, other.Address, path));
        Assert.Contains("execsnoop.o", here, StringComparison.Ordinal);

        Tool.Shell($"rm '{archive.Data}'/*/runs/*"); // What a deletion on a third replica comes to.
        foreach (var address in (Uri[])[archive.Process.Address, other.Address])
        {
            using var answer = await client.GetAsync(new Uri(address, path));
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    private static async Task<string> ReportAsync(HttpClient client, Uri address, string path)
    {
        for (var i = 0; i < 300; i++)
        {
            using var answer = await client.GetAsync(new Uri(address, $"{path}/report.json"));
            if (answer.StatusCode == HttpStatusCode.OK)
                return Encoding.UTF8.GetString(await answer.Content.ReadAsByteArrayAsync());
            await Task.Delay(200);
        }
        throw new TimeoutException($"{address}: no report");
    }
}
