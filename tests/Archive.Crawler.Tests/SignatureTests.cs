using System.Globalization;
using Archive.Crawler.Runs;
using Archive.Store.Catalogue;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Indexes that are not to be believed: changed, signed badly, by others or too long ago.</summary>
public sealed class SignatureTests : AptCrawl
{
    [Fact]
    public async Task IndexChangedAfterSigningIsRefused()
    {
        var index = Path.Combine(Repository.Root, "dists", "bookworm", "main", "binary-amd64", "Packages.xz");
        var bytes = await File.ReadAllBytesAsync(index);
        bytes[^5] ^= 1;
        await File.WriteAllBytesAsync(index, bytes);
        await AssertRefusedAsync("the signed index says");
    }

    [Fact]
    public async Task BadSignatureIsRefused()
    {
        var text = await File.ReadAllTextAsync(Repository.InReleasePath);
        await File.WriteAllTextAsync(Repository.InReleasePath, text.Replace("Components: main", "Components: evil", StringComparison.Ordinal));
        await AssertRefusedAsync("bad signature");
    }

    [Fact]
    public async Task UnknownKeyIsRefused()
    {
        using var other = new AptRepository();
        await AssertRefusedAsync("NO_PUBKEY", r => r with { Mirrors = r.Mirrors with { Keyring = other.Keyring } });
    }

    [Fact]
    public async Task UnsignedReleaseIsRefused()
    {
        var text = await File.ReadAllTextAsync(Repository.InReleasePath);
        await File.WriteAllTextAsync(Repository.InReleasePath, text[text.IndexOf("Codename", StringComparison.Ordinal)..text.IndexOf("-----BEGIN PGP SIGNATURE", StringComparison.Ordinal)]);
        await AssertRefusedAsync("no good signature");
    }

    [Fact]
    public async Task TextOutsideTheSignatureIsNotBelieved()
    {
        var text = await File.ReadAllTextAsync(Repository.InReleasePath);
        await File.WriteAllTextAsync(Repository.InReleasePath, "SHA256:\n 0000000000000000000000000000000000000000000000000000000000000000 1 main/binary-amd64/Packages\n\n" + text);
        Assert.Equal(1, (await CrawlAsync()).Published);
    }

    [Fact]
    public async Task ReleasePastItsTimeIsRefused()
    {
        Repository.Publish(validUntil: DateTime.UtcNow.AddDays(-1).ToString("ddd, dd MMM yyyy HH:mm:ss 'UTC'", CultureInfo.InvariantCulture));
        await AssertRefusedAsync("was valid until");
    }

    [Fact]
    public async Task SuiteThatCannotBeTrustedIsNamedAndStopsNoOther()
    {
        var updates = Directory.CreateDirectory(Path.Combine(Repository.Root, "dists", "bookworm-updates")).FullName;
        File.Copy(Repository.InReleasePath, Path.Combine(updates, "InRelease"));
        var result = await CrawlAsync();
        Assert.Equal(1, result.Published);
        Assert.Contains("is signed for bookworm", result.Error);
    }

    [Fact]
    public async Task SignatureOfAKeyThatExpiredIsRefused()
    {
        Repository.SignByExpiredKey();
        await AssertRefusedAsync("EXPKEYSIG");
    }

    private async Task AssertRefusedAsync(string reason, Func<CrawlRequest, CrawlRequest>? change = null)
    {
        var refusal = await Assert.ThrowsAsync<Archive.Crawler.Sources.CrawlException>(() => CrawlAsync(change));
        Assert.Contains(reason, refusal.Message);
        using var store = await OpenAsync();
        Assert.Empty(await store.Catalogue.ListAsync(new KernelFilter(), default));
        Assert.Equal(refusal.Message, Assert.Single(await store.Catalogue.RunsAsync(null, 10, default)).Result!.Error);
    }
}
