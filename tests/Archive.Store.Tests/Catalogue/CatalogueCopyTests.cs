using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using TestKit;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>A catalogue that moves from SQLite to PostgreSQL and back, or is restored from a backup, is the same one.</summary>
[Trait("Category", "Real")]
public sealed class CatalogueCopyTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly SteppedClock _clock = new();
    private readonly List<SqlCatalogue> _opened = [];

    [Fact]
    public async Task ThereAndBackItIsTheSame()
    {
        var (first, second, third) = (Sqlite("first"), Postgres(PostgresServer.Shared.NewDatabase()), Sqlite("third"));
        await FillAsync(first);
        Assert.True(await first.CopyToAsync(second, default) > 10);
        await second.CopyToAsync(third, default);
        Assert.Equal(await TellAsync(first), await TellAsync(second));
        Assert.Equal(await TellAsync(first), await TellAsync(third));
    }

    /// <summary>More than go into one statement.</summary>
    [Fact]
    public async Task ManyRowsAreCopiedEachOnce()
    {
        var (first, second, third) = (Sqlite("first"), Postgres(PostgresServer.Shared.NewDatabase()), Sqlite("third"));
        await FillAsync(first);
        var listed = Enumerable.Range(0, 230).Select(i => new ListedKernel("many", Build(uname: $"many-{i}").Key, "linux-image", "1", "debug", 7, new Uri("http://mirror.example/a.deb")));
        await first.RecordListingAsync("debian", ["many"], listed, default);
        await first.CopyToAsync(second, default);
        await second.CopyToAsync(third, default);
        Assert.Equal(await TellAsync(first), await TellAsync(second));
        Assert.Equal(await TellAsync(first), await TellAsync(third));
    }

    [Fact]
    public async Task ACopyGoesOnWhereTheOriginalEnded()
    {
        var (first, second) = (Sqlite("first"), Postgres(PostgresServer.Shared.NewDatabase()));
        await FillAsync(first);
        await first.CopyToAsync(second, default);
        foreach (var catalogue in (SqlCatalogue[])[first, second])
        {
            await catalogue.RecordPublicationAsync(Build(uname: "after"), Publication('c'), default);
            await catalogue.StartRunAsync("debian", default);
            await catalogue.AuditAsync("ops", "copied", "", default);
        }
        Assert.Equal(await TellAsync(first), await TellAsync(second));
    }

    [Fact]
    public async Task ATargetThatHoldsSomethingIsRefused()
    {
        var (first, second) = (Sqlite("first"), Sqlite("second"));
        await FillAsync(first);
        await second.InitialiseAsync(default);
        await second.SeenAsync(Build(uname: "mine"), default);
        var before = await TellAsync(second);
        await Assert.ThrowsAsync<InvalidOperationException>(() => first.CopyToAsync(second, default));
        Assert.Equal(before, await TellAsync(second));
    }

    [Fact]
    public async Task ABackupIsRestored()
    {
        var database = PostgresServer.Shared.NewDatabase();
        var original = Postgres(database);
        await FillAsync(original);
        var restored = PostgresServer.Shared.NewDatabase();
        PostgresServer.Shared.Dump(database, _folder.File("backup"));
        PostgresServer.Shared.Restore(_folder.File("backup"), restored);
        Assert.Equal(await TellAsync(original), await TellAsync(Postgres(restored)));
    }

    /// <summary>As the documents say it is done, while the archive goes on writing.</summary>
    [Fact]
    public async Task ABackupOfSqliteIsRestored()
    {
        var original = Sqlite("original");
        await FillAsync(original);
        Tool.Run("sqlite3", _folder.File("original"), $".backup {_folder.File("backup")}");
        var told = await TellAsync(original);
        await original.SeenAsync(Build(uname: "later"), default);
        var restored = Sqlite("backup");
        await restored.InitialiseAsync(default);
        Assert.Equal(told, await TellAsync(restored));
    }

    private async Task FillAsync(SqlCatalogue catalogue)
    {
        await catalogue.InitialiseAsync(default);
        for (var i = 0; i < 5; i++)
            await catalogue.RecordPublicationAsync(Build(uname: $"6.1-{i}"), Publication(), default);
        await catalogue.RecordOutcomeAsync(Build(uname: "6.1-0"), Outcome.Withdrawn, "why", null, default);
        await catalogue.RecordOutcomeAsync(Build(uname: "failed"), Outcome.DownloadFailed, "away", _clock.GetUtcNow(), default);
        await catalogue.RecordListingAsync("debian", ["main"], [new ListedKernel("main", Build().Key, "linux-image", "1", "debug", 7, new Uri("http://mirror.example/a.deb"))], default);
        await catalogue.FinishRunAsync(await catalogue.StartRunAsync("debian", default), new CrawlRunResult(1, 2, 3, 4, 5, null), default);
        await catalogue.AuditAsync("ops", "withdraw", "6.1-0", default);
    }

    /// <summary>All that a catalogue answers, in words.</summary>
    private static async Task<IReadOnlyList<string>> TellAsync(SqlCatalogue catalogue)
    {
        var told = new List<object>();
        told.AddRange(await catalogue.ListAsync(new KernelFilter(), default));
        told.AddRange(await catalogue.ChainAsync(0, 1000, default));
        told.AddRange(await catalogue.AuditsAsync(100, default));
        told.AddRange((await catalogue.RunsAsync(null, 100, default)).Select(r => (r.Id, r.Source, r.Started, r.Finished, r.Result?.DownloadedBytes)).Cast<object>());
        told.AddRange(await catalogue.CoverageAsync(default));
        told.AddRange((await catalogue.ListedGapsAsync(new ListedFilter(), default)));
        return [.. told.Select(t => t.ToString()!)];
    }

    private SqlCatalogue Sqlite(string name) => Keep(new SqliteCatalogue(_folder.File(name), _clock));

    private SqlCatalogue Postgres(string database) => Keep(new PostgresCatalogue(database, _clock));

    private SqlCatalogue Keep(SqlCatalogue catalogue)
    {
        _opened.Add(catalogue);
        return catalogue;
    }

    public void Dispose()
    {
        _opened.ForEach(c => c.Dispose());
        _folder.Dispose();
    }
}
