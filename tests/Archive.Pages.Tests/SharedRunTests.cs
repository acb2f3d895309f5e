using System.Security.Cryptography;
using Archive.Api.Objects;
using Archive.Api.Pages.Compatibility;
using Archive.Store.Blobs;
using Btf.CoRe;
using TestKit;

namespace Archive.Pages.Tests;

/// <summary>Reports that replicas share by the blob store, until they expire.</summary>
public sealed class SharedRunTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Clock _clock = new();
    private readonly FolderBlobStore _blobs;
    private readonly SharedRuns _runs;
    private readonly RunAddress _address;

    public SharedRunTests()
    {
        _blobs = FolderBlobStore.Open(_folder.FullPath);
        _runs = new SharedRuns(_blobs, _clock);
        _address = RunAddress.Create(_clock.GetUtcNow() + CompatibilityRuns.Kept);
    }

    public void Dispose()
    {
        _blobs.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task AnotherReplicaReadsQuestionAndAnswer()
    {
        var run = await SaveAsync();
        Assert.False((await Elsewhere())!.IsFinished);

        run.Problem = "No kernel answered.";
        await _runs.SaveAnswerAsync(_address, run, default);
        var found = (await Elsewhere())!;
        Assert.Equal((run.Id, "all", CoreLoader.Cilium, run.Problem), (found.Id, found.Selection, found.Loader, found.Problem));
        Assert.Equal(run.Objects[0].Bytes.ToArray(), found.Objects.Single().Bytes.ToArray());
        Assert.Equal("hello.o", found.Objects[0].Name);
    }

    [Fact]
    public async Task StoreCannotReadThemWithoutTheirAddress()
    {
        var run = await SaveAsync();
        var key = await _blobs.ListAsync("runs/", default).SingleAsync();
        var stored = await File.ReadAllBytesAsync(_folder.File(key));
        Assert.Equal(-1, stored.AsSpan().IndexOf("hello.o"u8));
        Assert.DoesNotContain(run.Id[8..24], key, StringComparison.Ordinal);

        stored[^1] ^= 1;
        Assert.ThrowsAny<CryptographicException>(() => _address.Open(stored));
        Assert.Null(RunAddress.Parse(key));
    }

    [Fact]
    public async Task NothingIsLeftOnceTheyExpire()
    {
        var run = await SaveAsync();
        run.Problem = "None.";
        await _runs.SaveAnswerAsync(_address, run, default);
        await _runs.SweepAsync(default);
        Assert.Equal(2, await _blobs.ListAsync("runs/", default).CountAsync());

        _clock.Now += CompatibilityRuns.Kept;
        await _runs.SweepAsync(default);
        Assert.Empty(await _blobs.ListAsync("", default).ToListAsync());
    }

    /// <summary>A replica at work does not bring back what was deleted on another.</summary>
    [Fact]
    public async Task AnswerOfADeletedRunIsNotKept()
    {
        var run = await SaveAsync();
        await _runs.RemoveAsync(_address, default);
        run.Problem = "None.";
        await _runs.SaveAnswerAsync(_address, run, default);
        Assert.Null(await Elsewhere());
        Assert.Empty(await _blobs.ListAsync("", default).ToListAsync());
    }

    private Task<CompatibilityRun?> Elsewhere() => new SharedRuns(_blobs, _clock).FindAsync(RunAddress.Parse(_address.Id)!, null, default);

    private async Task<CompatibilityRun> SaveAsync()
    {
        var source = _folder.Write(".hello.c", "__attribute__((section(\"xdp\"))) int hello(void *context) { return 0; }");
        Tool.Run("clang", "-target", "bpf", "-g", "-O2", "-c", "-o", source + ".o", source);
        var item = UploadedObjects.Parse("hello.o", await File.ReadAllBytesAsync(source + ".o"));
        var run = new CompatibilityRun(_address.Id, [item], CoreLoader.Cilium, "all", [], item.Bytes.Length, _address.Expires);
        await _runs.SaveAsync(_address, run, default);
        return run;
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UtcNow;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
