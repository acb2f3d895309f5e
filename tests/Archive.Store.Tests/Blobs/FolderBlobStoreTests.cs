using Archive.Store.Blobs;
using TestKit;

namespace Archive.Store.Tests.Blobs;

public sealed class FolderBlobStoreTests : BlobStoreContract, IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly FolderBlobStore _store;

    public FolderBlobStoreTests() => _store = FolderBlobStore.Open(_folder.File("tree"));

    protected override IBlobStore Store => _store;

    [Fact]
    public async Task AKeyIsAFileOfThatNameForAnyWebServer()
    {
        await PutAsync("debian/12/x", "bytes");
        Assert.Equal("bytes", await File.ReadAllTextAsync(_folder.File("tree/debian/12/x")));
        Assert.Equal("444", Tool.Run("stat", "-c", "%a", _folder.File("tree/debian/12/x")).Trim());
    }

    [Fact]
    public async Task ACopyTakesNoSpace()
    {
        await PutAsync("a", "x");
        await _store.CopyAsync("a", "b", None);
        Assert.Equal(_folder.File("tree/b"), Tool.Run("find", _folder.File("tree/b"), "-samefile", _folder.File("tree/a")).Trim());
    }

    [Fact]
    public async Task NothingStaysInStaging()
    {
        await PutAsync("a", "x");
        await PutAsync("a", "y", PutMode.CreateOnly);
        await PutAsync("b", "z", PutMode.CreateOnly);
        await _store.CopyAsync("a", "b", None);
        await _store.CopyAsync("a", "b", None);
        await using var content = new FailingStream(failAfter: 200_000);
        await Assert.ThrowsAsync<EndOfStreamException>(() => _store.PutAsync("c", content, PutMode.Replace, None));
        var own = Assert.Single(Directory.GetDirectories(_folder.File("tree/.staging"), "*"), d => !d.EndsWith(".locks", StringComparison.Ordinal));
        Assert.Empty(Directory.GetFiles(own));
    }

    [Fact]
    public async Task OpeningSweepsWhatADeadWriterStaged()
    {
        var dead = Directory.CreateDirectory(_folder.File("tree/.staging/dead")).FullName;
        await File.WriteAllTextAsync(Path.Combine(dead, "1"), "half a bl");
        await File.WriteAllTextAsync(_folder.File("tree/.staging/.locks/dead"), "");
        using var second = FolderBlobStore.Open(_folder.File("tree"));
        Assert.False(Directory.Exists(dead));
        Assert.False(File.Exists(_folder.File("tree/.staging/.locks/dead")));
    }

    [Fact]
    public async Task OpeningLeavesWhatALiveWriterStages()
    {
        using var content = new FilledOnDemandStream();
        var put = _store.PutAsync("a", content, PutMode.Replace, None);
        using (FolderBlobStore.Open(_folder.File("tree")))
            content.Finish("written across the sweep"u8.ToArray());
        Assert.True(await put);
        Assert.Equal("written across the sweep", await ReadAsync("a"));
    }

    [Fact]
    public async Task AKeyBelowABlobNamesKeyAndCause()
    {
        await PutAsync("a", "x");
        var error = await Assert.ThrowsAsync<BlobStoreException>(() => PutAsync("a/b", "y"));
        Assert.Contains("'a/b'", error.Message, StringComparison.Ordinal);
        Assert.IsAssignableFrom<IOException>(error.InnerException);
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    /// <summary>Gives its bytes once they are there; a writer that reads it waits.</summary>
    private sealed class FilledOnDemandStream : MemoryStream
    {
        private readonly TaskCompletionSource<byte[]> _filled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _given;

        public override bool CanSeek => false;

        public void Finish(byte[] bytes) => _filled.SetResult(bytes);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var bytes = await _filled.Task;
            if (_given)
                return 0;
            _given = true;
            bytes.CopyTo(buffer);
            return bytes.Length;
        }
    }
}
