using Archive.Store.Catalogue;
using Dapper;
using TestKit;

namespace Archive.Store.Tests.Catalogue;

public sealed class SqliteCatalogueTests : CatalogueContract, IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<SqliteCatalogue> _opened = [];

    protected override ICatalogue Open()
    {
        var catalogue = new SqliteCatalogue(_folder.File("catalogue.db"), Clock);
        lock (_opened)
            _opened.Add(catalogue);
        return catalogue;
    }

    [Fact]
    public void TheFileIsInWalMode() =>
        // Bytes 18 and 19 of the header (sqlite.org/fileformat: write and read version): 2 is WAL.
        Assert.Equal([2, 2], ReadHeader()[18..20]);

    protected override string TakeBackTheCount =>
        "DROP TRIGGER kernels_counted_in; DROP TRIGGER kernels_counted_out; DROP TRIGGER kernels_counted_anew; DROP TABLE coverage; " + KeyIndexAgain + "DELETE FROM schema_steps WHERE step > 6";

    protected override async Task ExecuteAsync(string sql)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_folder.File("catalogue.db")}");
        await connection.ExecuteAsync(sql);
    }

    [Fact]
    public async Task ACatalogueOfANewerVersionIsRefused()
    {
        await ExecuteAsync("INSERT INTO schema_steps (step, taken) SELECT MAX(step) + 1, 0 FROM schema_steps");
        await Assert.ThrowsAsync<InvalidDataException>(() => Open().InitialiseAsync(None));
    }

    [Fact]
    public async Task AReaderGoesOnWhileAnotherWrites()
    {
        await Catalogue.SeenAsync(Samples.Build(), None);
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_folder.File("catalogue.db")}");
        await connection.OpenAsync();
        await using var writing = await connection.BeginTransactionAsync();
        Assert.Single(await Catalogue.ListAsync(new KernelFilter(), None));
    }

    [Fact]
    public async Task TheVersionIsAnotherAfterWhateverIsCommitted()
    {
        var first = await Catalogue.VersionAsync(None);
        await Catalogue.ListAsync(new KernelFilter(), None);
        Assert.Equal(first, await Catalogue.VersionAsync(None));

        await Catalogue.SeenAsync(Samples.Build(), None);
        var own = await Catalogue.VersionAsync(None);
        Assert.NotEqual(first, own);

        await Open().SeenAsync(Samples.Build("6.1.0-2-amd64"), None);
        await Task.Delay(TimeSpan.FromMilliseconds(20));
        Assert.NotEqual(own, await Catalogue.VersionAsync(None));
    }

    /// <summary>After an error it is opened anew, and an answer that was kept before must not pass for one of now.</summary>
    [Fact]
    public async Task AVersionThatIsOpenedAnewGivesNoNumberOfAnEarlierOne()
    {
        await Catalogue.SeenAsync(Samples.Build(), None);
        Assert.NotEqual(Ask(), Ask());

        long Ask()
        {
            var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_folder.File("catalogue.db")};Pooling=False");
            connection.Open();
            using var version = new SqliteVersion(connection);
            Assert.Equal(version.Get(), version.Get());
            return version.Get();
        }
    }

    public void Dispose()
    {
        _opened.ForEach(c => c.Dispose());
        _folder.Dispose();
    }

    private byte[] ReadHeader()
    {
        using var file = new FileStream(_folder.File("catalogue.db"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var header = new byte[100];
        file.ReadExactly(header);
        return header;
    }
}
