using System.Net;
using System.Xml.Linq;
using Archive.Api.Tests;
using Archive.Extractor.Inventory;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf.Dedup;
using Btf.Format;

namespace Archive.Pages.Tests;

/// <summary>Pages as they are sent, over a small archive with names that mean harm.</summary>
public sealed class PageTests(PageTests.Archive archive) : IClassFixture<PageTests.Archive>
{
    private const string Hostile = "\"><script>alert(1)</script><img src=x onerror=alert(2)>";
    private const string HostileType = "\"><img src=x onerror=a()>", Plain = "a_name_of_this_many_chars";
    private const string Third = "/kernels/debian/12/x86_64/6.1.0-3-cloud-amd64";
    private const string Kernel = $"/kernels/debian/12/x86_64/{Published}";
    private const string Published = "6.1.0-1-cloud-amd64", Failed = "6.1.0-2-cloud-amd64";

    public sealed class Archive : IDisposable
    {
        public Archive()
        {
            var build = ApiFixture.Build(Published) with { PackageName = Hostile };
            var kernel = ApiFixture.MakeBtf("first");
            var module = new ModuleBtf("nf_conntrack", new BtfMerger(BtfBlob.Parse(kernel)).Split(BtfBlob.Parse(ApiFixture.MakeBtf("of_module"))), null);
            var publication = Api.PublishAsync(build, kernel, new string('b', 40), module).GetAwaiter().GetResult();
            var inventory = new KernelInventory { Config = [.. Enumerable.Range(0, 300).Select(i => $"CONFIG_{i:000}=m"), $"CONFIG_LOCALVERSION={Hostile}"] };
            Api.Store.Blobs.PutAsync(BlobPaths.Inventory(publication.Tarball.Sha256), new MemoryStream(inventory.WriteCompressed(1)), PutMode.Replace, default).GetAwaiter().GetResult();
            Api.PublishAsync(ApiFixture.Build("6.1.0-3-cloud-amd64"), WithHostileNames(ApiFixture.MakeBtf(Plain))).GetAwaiter().GetResult();
            Api.Store.Catalogue.RecordOutcomeAsync(ApiFixture.Build(Failed), Outcome.Malformed, Hostile, null, default).GetAwaiter().GetResult();
            var run = Api.Store.Catalogue.StartRunAsync("debian", default).GetAwaiter().GetResult();
            Api.Store.Catalogue.FinishRunAsync(run, new(3, 3, 2, 1, 12345, Hostile), default).GetAwaiter().GetResult();
        }

        public ApiFixture Api { get; } = new();

        /// <summary>A struct whose name no compiler would let through.</summary>
        private static byte[] WithHostileNames(byte[] btf)
        {
            var at = btf.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(Plain));
            System.Text.Encoding.ASCII.GetBytes(HostileType).CopyTo(btf, at);
            return btf;
        }

        public void Dispose() => Api.Dispose();
    }

    public static TheoryData<string> Pages => new(
        "/", "/?q=6.1.0-1-cloud-amd64", "/?q=6.1.0-2-cloud-amd64", "/?q=6.1.0-9-amd64", "/?q=debian+12", "/?q=cloud", $"/?q={Uri.EscapeDataString(Hostile)}", "/coverage", "/coverage?distro=debian&incomplete=1",
        "/coverage/debian/12/x86_64", "/coverage/debian/12/x86_64?state=failed&flavour=cloud-amd64", "/coverage/gaps", "/recent", "/charts", "/sources", "/sources/debian", "/sign-in",
        $"/kernels/debian/12/x86_64/{Published}", $"/kernels/debian/12/x86_64/{Failed}", $"/kernels/debian/12/x86_64/{Published}?digests=all", $"{Kernel}/config", $"{Kernel}/config?q={Uri.EscapeDataString(Hostile)}", $"{Kernel}/modules", $"{Third}/config", "/coverage/listed", "/coverage/listed?distro=debian&outcome=malformed", "/types", "/types?q=fir", $"/types?q={Uri.EscapeDataString(Hostile)}", "/compat",
        $"{Kernel}/types/first", $"{Kernel}/types/first?view=c", $"{Kernel}/types/first?view=users", $"{Kernel}/types/first?view=history", $"{Kernel}/types/first?view=compare", $"{Kernel}/functions/main", $"{Kernel}/changes",
        $"{Third}/types", $"{Third}/types?q={Uri.EscapeDataString(HostileType)}", $"{Third}/types/{Uri.EscapeDataString(HostileType)}", $"{Third}/types/{Uri.EscapeDataString(HostileType)}?view=c",
        $"{Third}/types/{Uri.EscapeDataString(HostileType)}?view=users", $"{Third}/types/{Uri.EscapeDataString(HostileType)}?view=history", $"{Third}/types/{Uri.EscapeDataString(HostileType)}?view=compare&with=debian/12/x86_64/{Published}",
        $"{Kernel}/changes?with=debian/12/x86_64/6.1.0-3-cloud-amd64");

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task NothingOfAPageRunsButItsOwnScript(string path)
    {
        var (status, html, headers) = await GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("script-src 'self'", headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("nosniff", headers.GetValues("X-Content-Type-Options").Single());
        PageMarkup.Check(html, path);
    }

    [Theory]
    [InlineData("/nowhere", 404)]
    [InlineData("/kernels/debian/12/x86_64/9.9.9", 404)]
    [InlineData("/kernels/%22%3E%3Cscript%3E/12/x86_64/9.9.9", 404)]
    [InlineData("/coverage/nowhere/1/x86_64", 404)]
    [InlineData("/sources/nothing", 404)]
    public async Task APageThatIsNotThereSaysSo(string path, int expected)
    {
        var (status, html, _) = await GetAsync(path);
        Assert.Equal(expected, (int)status);
        PageMarkup.Check(html, path);
    }

    [Fact]
    public async Task ProgramsGetProblemDocumentsFromTheSameAddresses()
    {
        using var answer = await archive.Api.Client.GetAsync(new Uri("/nowhere", UriKind.Relative));
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task EveryLinkResolves()
    {
        var (seen, waiting) = (new HashSet<string>(), new Queue<string>(["/"]));
        while (waiting.TryDequeue(out var path) && seen.Count < 400)
        {
            var (status, text, headers) = await GetAsync(path);
            Assert.True(status == HttpStatusCode.OK, $"{path}: {status}");
            if (headers.Contains("Content-Security-Policy") && text.StartsWith("<!DOCTYPE html>", StringComparison.OrdinalIgnoreCase))
                PageMarkup.Links(PageMarkup.Parse(text), path).Where(seen.Add).ToList().ForEach(waiting.Enqueue);
        }
        Assert.InRange(seen.Count, 30, 400);
    }

    [Fact]
    public async Task TheBoxUnderstandsWhatPeoplePaste()
    {
        Assert.Contains("Yes:", await Answer("Linux host 6.1.0-1-cloud-amd64 #1 SMP Debian 6.1.1-1 x86_64 GNU/Linux"), StringComparison.Ordinal);
        Assert.Contains("the build-id is this kernel", await Answer(new string('b', 40)), StringComparison.Ordinal);
        Assert.Contains("debian 12 x86_64", await Answer("ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\""), StringComparison.Ordinal);
        Assert.Contains("No BTF could be made", await Answer(Failed), StringComparison.Ordinal);
        Assert.Contains("No such kernel here", await Answer("6.1.0-77-cloud-amd64"), StringComparison.Ordinal);
        Assert.Contains("3 kernels with “-cloud-” in the name", await Answer("-cloud-"), StringComparison.Ordinal);

        async Task<string> Answer(string text)
        {
            var (_, html, _) = await GetAsync($"/?q={Uri.EscapeDataString(text)}");
            return string.Join(' ', PageMarkup.Check(html, text).QuerySelector("main")!.TextContent.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
        }
    }

    [Fact]
    public async Task CsvQuotesWhatReasonsHave()
    {
        var (_, csv, _) = await GetAsync("/coverage/gaps?format=csv");
        var line = csv.Split('\n')[1];
        Assert.StartsWith($"debian,12,x86_64,{Failed},", line, StringComparison.Ordinal);
        Assert.Contains("malformed,\"\"\"><script>alert(1)</script>", line, StringComparison.Ordinal);
        var (_, matrix, _) = await GetAsync("/coverage.csv?distro=debian");
        Assert.Contains("debian,12,x86_64,3,2,2,1,0,0,", matrix, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConfigurationAndModulesAreSearched()
    {
        var (_, all, _) = await GetAsync($"{Kernel}/config");
        Assert.Contains("301 options are set", all, StringComparison.Ordinal);
        Assert.Contains("CONFIG_199=m", all, StringComparison.Ordinal);
        Assert.DoesNotContain("CONFIG_200=m", all, StringComparison.Ordinal);
        Assert.Contains("CONFIG_200=m", (await GetAsync($"{Kernel}/config?page=2")).Text, StringComparison.Ordinal);
        Assert.Contains("CONFIG_299=m", (await GetAsync($"{Kernel}/config?q=config_299")).Text, StringComparison.Ordinal);
        Assert.Contains("No option with", (await GetAsync($"{Kernel}/config?q=CONFIG_BPF")).Text, StringComparison.Ordinal);
        Assert.EndsWith($"CONFIG_LOCALVERSION={Hostile}\n", (await GetAsync($"{Kernel}/config?format=text")).Text, StringComparison.Ordinal);
        Assert.Contains("is not known", (await GetAsync($"{Third}/config")).Text, StringComparison.Ordinal);
        Assert.Contains("/modules/nf_conntrack\"", (await GetAsync($"{Kernel}/modules")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheFeedHasWhatWasPublished()
    {
        var (_, xml, _) = await GetAsync("/feed.atom");
        XNamespace atom = "http://www.w3.org/2005/Atom";
        var entries = XDocument.Parse(xml).Root!.Elements(atom + "entry").ToList();
        Assert.Equal(2, entries.Count);
        Assert.All(entries, entry => Assert.EndsWith("cloud-amd64", entry.Element(atom + "link")!.Attribute("href")!.Value, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ActionsWantASessionAndAFormOfOurs()
    {
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/sources/debian/crawl", []));
        Assert.Equal(HttpStatusCode.BadRequest, await PostAsync("/sign-in", [KeyValuePair.Create("key", Key)]));

        var (_, html, _) = await GetAsync("/sign-in");
        var token = TokenOf(html);
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync($"/kernels/debian/12/x86_64/{Failed}/retry", [token]));
        Assert.Equal(HttpStatusCode.Unauthorized, await PostAsync("/sign-in", [token, KeyValuePair.Create("key", "not it")]));
    }

    [Fact]
    public async Task AnAdministratorSignsInAndHasAKernelTriedAgain()
    {
        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = archive.Api.Address };
        var token = TokenOf(await client.GetStringAsync(new Uri("/sign-in", UriKind.Relative)));
        using var signedIn = await client.PostAsync(new Uri("/sign-in", UriKind.Relative), new FormUrlEncodedContent([token, KeyValuePair.Create("key", Key)]));
        Assert.Equal(HttpStatusCode.Redirect, signedIn.StatusCode);
        Assert.Contains("httponly", string.Join(' ', signedIn.Headers.GetValues("Set-Cookie")), StringComparison.OrdinalIgnoreCase);

        var page = PageMarkup.Parse(await client.GetStringAsync(new Uri($"/kernels/debian/12/x86_64/{Failed}", UriKind.Relative)));
        var form = page.QuerySelector("form[action$='/retry']")!;
        var fields = form.QuerySelectorAll("input").Select(input => KeyValuePair.Create(input.GetAttribute("name")!, input.GetAttribute("value")!));
        using var retried = await client.PostAsync(new Uri(form.GetAttribute("action")!, UriKind.Relative), new FormUrlEncodedContent(fields));
        Assert.Equal(HttpStatusCode.Redirect, retried.StatusCode);
        Assert.Contains("tried again from", await client.GetStringAsync(retried.Headers.Location), StringComparison.Ordinal);
        Assert.Contains(await archive.Api.Store.Catalogue.AuditsAsync(10, default), entry => entry.Action.EndsWith("/retry", StringComparison.Ordinal));
    }

    private string Key => File.ReadAllText(Path.Combine(archive.Api.Data, "keys", "admin.key")).Trim();

    private static KeyValuePair<string, string> TokenOf(string html) =>
        KeyValuePair.Create("__RequestVerificationToken", PageMarkup.Parse(html).QuerySelector("input[name=__RequestVerificationToken]")!.GetAttribute("value")!);

    private async Task<HttpStatusCode> PostAsync(string path, IEnumerable<KeyValuePair<string, string>> fields)
    {
        using var answer = await archive.Api.Client.PostAsync(new Uri(path, UriKind.Relative), new FormUrlEncodedContent(fields));
        return answer.StatusCode;
    }

    private async Task<(HttpStatusCode Status, string Text, System.Net.Http.Headers.HttpResponseHeaders Headers)> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/html,*/*");
        using var answer = await archive.Api.Client.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers);
    }
}
