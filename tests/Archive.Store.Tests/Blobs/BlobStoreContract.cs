using System.Text;
using Archive.Store.Blobs;
using Archive.Store.Kernels;

namespace Archive.Store.Tests.Blobs;

/// <summary>What every back-end keeps (see <see cref="IBlobStore"/>): derive, and give the store under test.</summary>
public abstract class BlobStoreContract
{
    protected static readonly KernelKey Kernel = new("debian", "12", "x86_64", "6.1.0-56-cloud-amd64");

    protected abstract IBlobStore Store { get; }

    protected static CancellationToken None => CancellationToken.None;

    [Fact]
    public async Task WhatWasPutIsRead()
    {
        Assert.True(await PutAsync("a/b", "hello"));
        Assert.Equal("hello", await ReadAsync("a/b"));
    }

    [Fact]
    public async Task EveryPathOfAKernelIsAValidKey()
    {
        var longest = new KernelKey("d", "1", "x86_64", new string('u', SafeSegment.MaxLength));
        var sha256 = new string('a', 64);
        foreach (var key in new[] { BlobPaths.Tree(Kernel), BlobPaths.Tree(longest), BlobPaths.TreeProvenance(longest), BlobPaths.Tarball(sha256), BlobPaths.Provenance(sha256) })
            Assert.True(await PutAsync(key, key));
    }

    [Fact]
    public async Task AnEmptyBlobIsABlob()
    {
        await PutAsync("empty", "");
        Assert.Equal(0, (await Store.StatAsync("empty", None))!.Size);
        Assert.Equal("", await ReadAsync("empty"));
    }

    [Fact]
    public async Task CreateOnlyLeavesWhatIsThere()
    {
        await PutAsync("a", "first");
        Assert.False(await PutAsync("a", "second", PutMode.CreateOnly));
        Assert.Equal("first", await ReadAsync("a"));
    }

    [Fact]
    public async Task ReplaceReplaces()
    {
        await PutAsync("a", "first and longer");
        Assert.True(await PutAsync("a", "second"));
        Assert.Equal("second", await ReadAsync("a"));
    }

    [Fact]
    public async Task OfManyCreatorsAtOnceOneWinsAndItsBytesStand()
    {
        var wins = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() =>
            PutAsync("contended", i.ToString(), PutMode.CreateOnly))));
        var winner = Assert.Single(Enumerable.Range(0, wins.Length), i => wins[i]);
        Assert.Equal(winner.ToString(), await ReadAsync("contended"));
    }

    [Fact]
    public async Task WhatKeysBeginWithIsNoBlob()
    {
        await PutAsync("folder/a", "content");
        Assert.Null(await Store.OpenReadAsync("folder", None));
        Assert.Null(await Store.OpenReadAsync("folder/b", None));
        Assert.Null(await Store.OpenReadAsync("other/a", None));
    }

    [Fact]
    public async Task AReaderKeepsWhatItOpenedWhenTheKeyIsReplaced()
    {
        await PutAsync("a", "before");
        await using var opened = (await Store.OpenReadAsync("a", None))!;
        await PutAsync("a", "after");
        Assert.Equal("before", await ReadToEndAsync(opened));
    }

    [Fact]
    public async Task AReaderKeepsWhatItOpenedWhenTheKeyIsDeleted()
    {
        await PutAsync("a", "before");
        await using var opened = (await Store.OpenReadAsync("a", None))!;
        await Store.DeleteAsync("a", None);
        Assert.Equal("before", await ReadToEndAsync(opened));
    }

    [Fact]
    public async Task ReadersNeverSeeHalfABlobWhileItIsReplaced()
    {
        var blobs = new[] { new string('a', 300_000), new string('b', 200_000) };
        await PutAsync("a", blobs[0]);
        var reader = Task.Run(async () =>
        {
            for (var reads = 0; reads < 50; reads++)
                Assert.Contains(await ReadAsync("a"), blobs);
        });
        for (var i = 0; !reader.IsCompleted; i++)
            await PutAsync("a", blobs[i % 2]);
        await reader;
    }

    [Fact]
    public async Task TheStreamIsSeekable()
    {
        await PutAsync("a", "0123456789");
        await using var stream = (await Store.OpenReadAsync("a", None))!;
        stream.Seek(4, SeekOrigin.Begin);
        Assert.Equal(10, stream.Length);
        Assert.Equal("456789", await ReadToEndAsync(stream));
    }

    /// <summary>More than any back-end moves at a time, from a stream that does not tell its length.</summary>
    [Fact]
    public async Task ALargeBlobIsReadFromAnywhere()
    {
        var bytes = new byte[9_000_001];
        new Random(7).NextBytes(bytes);
        await using (var content = new OneWayStream(bytes))
            Assert.True(await Store.PutAsync("large", content, PutMode.CreateOnly, None));
        await using var stream = (await Store.OpenReadAsync("large", None))!;
        Assert.Equal(bytes.Length, stream.Length);
        foreach (var start in new[] { 0, (1 << 20) - 1, 1 << 20, 4 << 20, 8_999_999, 17 })
        {
            stream.Position = start;
            var part = new byte[Math.Min(100_000, bytes.Length - start)];
            await stream.ReadExactlyAsync(part);
            Assert.Equal(bytes[start..(start + part.Length)], part);
        }
        stream.Position = 0;
        var whole = new MemoryStream();
        await stream.CopyToAsync(whole);
        Assert.Equal(bytes, whole.ToArray());
        Assert.Equal(0, await stream.ReadAsync(new byte[1]));
    }

    [Fact]
    public async Task OfManyCreatorsOfALargeBlobOneWinsAndItsBytesStand()
    {
        var wins = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
        {
            await using var content = new MemoryStream(Enumerable.Repeat((byte)i, 5_000_000).ToArray());
            return await Store.PutAsync("contended", content, PutMode.CreateOnly, None);
        })));
        var winner = Assert.Single(Enumerable.Range(0, wins.Length), i => wins[i]);
        await using var stream = (await Store.OpenReadAsync("contended", None))!;
        var whole = new MemoryStream();
        await stream.CopyToAsync(whole);
        Assert.True(whole.Length == 5_000_000 && !whole.ToArray().AsSpan().ContainsAnyExcept((byte)winner));
    }

    /// <summary>Either goes on with what was opened, or fails.</summary>
    [Fact]
    public async Task BytesOfTwoBlobsNeverMix()
    {
        await PutAsync("a", new string('a', 3_000_000));
        await using var opened = (await Store.OpenReadAsync("a", None))!;
        await opened.ReadExactlyAsync(new byte[1]);
        await PutAsync("a", new string('b', 3_000_000));
        try
        {
            Assert.DoesNotContain('b', await ReadToEndAsync(opened));
        }
        catch (BlobStoreException e)
        {
            Assert.Contains("'a'", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AStreamThatEndsEarlyIsRefused()
    {
        await using var content = new ShortStream();
        await Assert.ThrowsAsync<BlobStoreException>(() => Store.PutAsync("a", content, PutMode.Replace, None));
        Assert.Null(await Store.StatAsync("a", None));
    }

    [Fact]
    public async Task AStreamIsStoredFromItsPosition()
    {
        using var content = new MemoryStream("skipped, kept"u8.ToArray()) { Position = 9 };
        await Store.PutAsync("a", content, PutMode.Replace, None);
        Assert.Equal("kept", await ReadAsync("a"));
    }

    [Fact]
    public async Task ANewBlobWhoseContentFailsIsAbsent()
    {
        await using var content = new FailingStream(failAfter: 200_000);
        await Assert.ThrowsAsync<EndOfStreamException>(() => Store.PutAsync("a", content, PutMode.Replace, None));
        Assert.Null(await Store.StatAsync("a", None));
    }

    [Fact]
    public async Task AnOldBlobStandsWhenTheContentThatWasToReplaceItFails()
    {
        await PutAsync("a", "old");
        await using var content = new FailingStream(failAfter: 200_000);
        await Assert.ThrowsAsync<EndOfStreamException>(() => Store.PutAsync("a", content, PutMode.Replace, None));
        Assert.Equal("old", await ReadAsync("a"));
    }

    [Fact]
    public async Task ACancelledPutStoresNothing()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Store.PutAsync("a", new MemoryStream([1]), PutMode.Replace, new CancellationToken(canceled: true)));
        Assert.Null(await Store.StatAsync("a", None));
    }

    [Fact]
    public async Task CopyGivesTheTargetTheBytesOfTheSource()
    {
        await PutAsync("source", "new");
        await PutAsync("deep/target", "old");
        await Store.CopyAsync("source", "deep/target", None);
        Assert.Equal("new", await ReadAsync("deep/target"));
        Assert.Equal("new", await ReadAsync("source"));
    }

    [Fact]
    public async Task ACopyIsItsOwnBlob()
    {
        await PutAsync("source", "first");
        await Store.CopyAsync("source", "target", None);
        await PutAsync("source", "second");
        Assert.Equal("first", await ReadAsync("target"));
    }

    [Fact]
    public async Task CopyingAgainChangesNothing()
    {
        await PutAsync("source", "same");
        await Store.CopyAsync("source", "target", None);
        await Store.CopyAsync("source", "target", None);
        Assert.Equal("same", await ReadAsync("target"));
        Assert.Equal(["source", "target"], await KeysAsync(""));
    }

    [Fact]
    public Task CopyingWhatIsAbsentIsFinal() =>
        Assert.ThrowsAsync<BlobStoreException>(() => Store.CopyAsync("absent", "target", None));

    [Fact]
    public async Task WhatIsAbsentIsNull()
    {
        await PutAsync("a/file", "x");
        foreach (var key in new[] { "absent", "a/absent", "absent/absent", "a" })
        {
            Assert.Null(await Store.StatAsync(key, None));
            Assert.Null(await Store.OpenReadAsync(key, None));
            Assert.False(await Store.DeleteAsync(key, None));
        }
    }

    [Fact]
    public async Task StatTellsSizeAndTime()
    {
        await PutAsync("a", "12345");
        var stat = (await Store.StatAsync("a", None))!;
        Assert.Equal(5, stat.Size);
        Assert.InRange(stat.LastModified, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5));
    }

    [Fact]
    public async Task DeleteRemovesOnce()
    {
        await PutAsync("a", "x");
        Assert.True(await Store.DeleteAsync("a", None));
        Assert.False(await Store.DeleteAsync("a", None));
        Assert.Null(await Store.StatAsync("a", None));
    }

    [Fact]
    public async Task KeysAreListedInOrdinalOrder()
    {
        string[] keys = ["a-b", "a/c", "a/b/d", "a.b", "A", "b~1", "b/1"];
        foreach (var key in keys)
            await PutAsync(key, "");
        Assert.Equal(keys.Order(StringComparer.Ordinal), await KeysAsync(""));
    }

    [Theory]
    [InlineData("deb", new[] { "debian/11/x", "debian/12/x", "debian/12/y" })]
    [InlineData("debian/12", new[] { "debian/12/x", "debian/12/y" })]
    [InlineData("debian/12/y", new[] { "debian/12/y" })]
    [InlineData("debian/13", new string[0])]
    [InlineData("../", new string[0])]
    [InlineData("/", new string[0])]
    public async Task OnlyKeysWithThePrefixAreListed(string prefix, string[] expected)
    {
        foreach (var key in new[] { "debian/12/y", "debian/12/x", "debian/11/x", "ubuntu/12/x" })
            await PutAsync(key, "");
        Assert.Equal(expected, await KeysAsync(prefix));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("./a")]
    [InlineData(".staging/a")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("%2e%2e/a")]
    [InlineData("ä")]
    public async Task AnInvalidKeyIsRefused(string key)
    {
        await PutAsync("good", "x");
        await Assert.ThrowsAsync<BlobStoreException>(() => PutAsync(key, "x"));
        await Assert.ThrowsAsync<BlobStoreException>(() => Store.CopyAsync("good", key, None));
        await Assert.ThrowsAsync<BlobStoreException>(() => Store.CopyAsync(key, "good", None));
        await Assert.ThrowsAsync<BlobStoreException>(() => Store.OpenReadAsync(key, None));
        await Assert.ThrowsAsync<BlobStoreException>(() => Store.StatAsync(key, None));
        await Assert.ThrowsAsync<BlobStoreException>(() => Store.DeleteAsync(key, None));
        Assert.Equal(["good"], await KeysAsync(""));
    }

    protected async Task<bool> PutAsync(string key, string text, PutMode mode = PutMode.Replace)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return await Store.PutAsync(key, content, mode, None);
    }

    protected async Task<string> ReadAsync(string key)
    {
        await using var stream = (await Store.OpenReadAsync(key, None))!;
        return await ReadToEndAsync(stream);
    }

    protected async Task<List<string>> KeysAsync(string prefix)
    {
        var keys = new List<string>();
        await foreach (var key in Store.ListAsync(prefix, None))
            keys.Add(key);
        return keys;
    }

    private static async Task<string> ReadToEndAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return await reader.ReadToEndAsync();
    }

    /// <summary>Promises ten bytes and gives one.</summary>
    private sealed class ShortStream() : MemoryStream([1])
    {
        public override long Length => 10;
    }

    /// <summary>As a download: no length, no way back.</summary>
    private sealed class OneWayStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
        public override long Length => throw new NotSupportedException();
    }
}
