using Archive.Store.Catalogue;
using Dapper;
using Npgsql;
using TestKit;

namespace Archive.Store.Tests.Catalogue;

/// <summary>Against a PostgreSQL that the tests start, each test in a database of its own.</summary>
[Trait("Category", "Real")]
public sealed class PostgresCatalogueTests : CatalogueContract, IDisposable
{
    private readonly string _database = PostgresServer.Shared.NewDatabase();
    private readonly List<PostgresCatalogue> _opened = [];

    protected override ICatalogue Open() => Open(_database);

    protected override string TakeBackTheCount =>
        "DROP FUNCTION kernels_counted_in CASCADE; DROP FUNCTION kernels_counted_out CASCADE; DROP FUNCTION kernels_counted_anew CASCADE; DROP TABLE coverage; " + KeyIndexAgain + "DELETE FROM schema_steps WHERE step > 6";

    protected override Task ExecuteAsync(string sql) => ScalarAsync(sql);

    [Fact]
    public async Task TextIsOrderedByItsBytesWhateverTheServersLanguage()
    {
        string[] unames = ["6.1-b", "6.1-B", "6.1.a", "6.1_a", "6.1-a"];
        foreach (var uname in unames)
            await Catalogue.RecordPublicationAsync(Samples.Build(uname: uname), Samples.Publication(), None);
        var listed = new List<string>();
        await foreach (var record in Catalogue.PublishedAsync(new KernelFilter(), None))
            listed.Add(record.Build.Key.Uname);
        Assert.Equal(unames.Order(StringComparer.Ordinal), listed);
        Assert.Equal("en-US", await ScalarAsync("SELECT daticulocale FROM pg_database WHERE datname = current_database()"));
    }

    [Fact]
    public async Task ACatalogueOfANewerVersionIsRefused()
    {
        await ScalarAsync("INSERT INTO schema_steps (step, taken) SELECT MAX(step) + 1, 0 FROM schema_steps");
        await Assert.ThrowsAsync<InvalidDataException>(() => Open().InitialiseAsync(None));
        await ScalarAsync("UPDATE schema_steps SET needs = 4 WHERE step = (SELECT MAX(step) FROM schema_steps)");
        await Open().InitialiseAsync(None); // In a rolling upgrade the newer one has only added something.
    }

    [Fact]
    public async Task MigrationsOfOthersAreWaitedFor()
    {
        var database = PostgresServer.Shared.NewDatabase();
        await using var other = new NpgsqlConnection(database);
        await other.OpenAsync();
        await other.ExecuteAsync("BEGIN; SELECT pg_advisory_xact_lock(x'62746661726368'::bigint)");
        var initialise = Open(database).InitialiseAsync(None);
        Assert.NotSame(initialise, await Task.WhenAny(initialise, Task.Delay(300)));
        await other.ExecuteAsync("COMMIT");
        await initialise;
    }

    /// <summary>Its data as of one moment, though another replica publishes meanwhile.</summary>
    [Fact]
    public async Task AVisitSeesOneMoment()
    {
        await Catalogue.RecordPublicationAsync(Samples.Build(uname: "1"), Samples.Publication(), None);
        await Catalogue.RecordPublicationAsync(Samples.Build(uname: "2"), Samples.Publication(), None);
        var seen = 0;
        var head = await Catalogue.VisitPublishedAsync(r =>
        {
            seen++;
            Task.Run(() => Open().RecordPublicationAsync(Samples.Build(uname: $"3-{r.Build.Key.Uname}"), Samples.Publication(), None)).GetAwaiter().GetResult();
        }, None);
        Assert.Equal((2, 2L), (seen, head.Position));
    }

    private PostgresCatalogue Open(string database)
    {
        var catalogue = new PostgresCatalogue(database, Clock);
        lock (_opened)
            _opened.Add(catalogue);
        return catalogue;
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_database);
        return await connection.ExecuteScalarAsync(sql);
    }

    public void Dispose() => _opened.ForEach(c => c.Dispose());
}

/// <summary>A server of its own, which the test kills.</summary>
[Trait("Category", "Real")]
public sealed class PostgresRestartTests : IDisposable
{
    private readonly PostgresServer _server = new();

    [Fact]
    public async Task WorkGoesOnAcrossAKillOfTheServer()
    {
        using var catalogue = new PostgresCatalogue(_server.NewDatabase(), TimeProvider.System);
        await catalogue.InitialiseAsync(default);
        var written = 0;
        var writer = Task.Run(async () =>
        {
            for (; written < 400; written++)
                await catalogue.RecordPublicationAsync(Samples.Build(uname: $"6.1-{written}"), Samples.Publication(), default);
        });
        for (var kill = 1; kill <= 2; kill++)
        {
            // In the middle of the work, however fast the machine is: there is something to read, and something left to write.
            while (Volatile.Read(ref written) < kill * 100 && !writer.IsCompleted)
                await Task.Delay(5);
            _server.Kill();
            var read = catalogue.ListAsync(new KernelFilter { Limit = 1 }, default);
            _server.Start();
            Assert.Single(await read);
        }
        await writer;
        var entries = await catalogue.ChainAsync(0, 1000, default);
        Assert.Equal(400, entries.Count);
        Assert.Equal(400, entries.Select(e => e.Line.Split('\t')[1]).Distinct().Count());
        Assert.Equal(entries, Rechained(entries));
    }

    private static IEnumerable<ChainEntry> Rechained(IEnumerable<ChainEntry> entries)
    {
        var head = ChainHead.Empty;
        foreach (var entry in entries)
        {
            var again = ChainEntry.After(head, entry.Line);
            head = again.Head;
            yield return again;
        }
    }

    public void Dispose() => _server.Dispose();
}
