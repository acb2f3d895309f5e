using TestKit;

namespace Archive.Store.Tests;

public sealed class LockedFolderTests : IDisposable
{
    private readonly TempFolder _parent = new();

    [Fact]
    public void AHeldFolderIsNotEntered()
    {
        using var first = LockedFolder.TryEnter(_parent.FullPath, "a");
        Assert.Null(LockedFolder.TryEnter(_parent.FullPath, "a"));
        using var other = LockedFolder.TryEnter(_parent.FullPath, "b");
        Assert.NotNull(other);
    }

    [Fact]
    public void AFolderIsGoneWhenItIsLeftAndCanBeEnteredAgain()
    {
        var first = LockedFolder.TryEnter(_parent.FullPath, "a")!;
        File.WriteAllText(Path.Combine(first.FullPath, "scratch"), "x");
        first.Dispose();
        Assert.False(Directory.Exists(first.FullPath));
        using var second = LockedFolder.TryEnter(_parent.FullPath, "a")!;
        Assert.Empty(Directory.GetFileSystemEntries(second.FullPath));
    }

    [Fact]
    public void LeavingTwiceLeavesTheNextHolderAlone()
    {
        var first = LockedFolder.TryEnter(_parent.FullPath, "a")!;
        first.Dispose();
        using var second = LockedFolder.TryEnter(_parent.FullPath, "a")!;
        first.Dispose();
        Assert.True(Directory.Exists(second.FullPath));
    }

    [Fact]
    public void NoLockFilesStay()
    {
        LockedFolder.TryEnter(_parent.FullPath, "a")!.Dispose();
        Assert.Equal([_parent.File(".locks/.gate")], Directory.GetFiles(_parent.File(".locks")));
    }

    [Fact]
    public async Task OfManyWhoEnterAtOnceOneIsInside()
    {
        var inside = 0;
        var entries = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 25; i++)
            {
                using var folder = LockedFolder.TryEnter(_parent.FullPath, "contended");
                if (folder is null)
                    continue;
                Assert.Equal(1, Interlocked.Increment(ref inside));
                Assert.Empty(Directory.GetFileSystemEntries(folder.FullPath));
                File.WriteAllText(Path.Combine(folder.FullPath, "mine"), "x");
                Interlocked.Increment(ref entries);
                Interlocked.Decrement(ref inside);
            }
        })));
        Assert.True(entries > 0);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData(".locks")]
    [InlineData("")]
    public void ANameThatLeavesTheParentIsRefused(string name) =>
        Assert.Throws<ArgumentException>(() => LockedFolder.TryEnter(_parent.FullPath, name));

    public void Dispose() => _parent.Dispose();
}
