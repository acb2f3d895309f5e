using Archive.Crawler.Sources;
using Microsoft.Data.Sqlite;

namespace Archive.Crawler.Protocols.RpmMd;

/// <summary>The primary index as the SQLite database that older tools write beside the XML, or instead of it (createrepo_c: src/sqlite.c).</summary>
internal static class RpmMdDatabase
{
    private const string Query =
        "SELECT name, arch, epoch, version, release, size_package, checksum_type, pkgId, location_href, location_base FROM packages";

    /// <summary>A file that others made is opened as data: nothing in its schema is run, and what is corrupt is told.</summary>
    private const string Guards = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON; PRAGMA mmap_size = 0;";

    /// <exception cref="IndexFormatException">No such database.</exception>
    public static IReadOnlyList<RpmMdPackage> Read(Uri url, Stream database, Func<PackageName, bool> wanted)
    {
        var folder = Directory.CreateTempSubdirectory("btf-archive-primary-");
        try
        {
            var path = Path.Combine(folder.FullName, "primary.sqlite");
            using (var file = File.Create(path))
                database.CopyTo(file);
            return Read(url, path, wanted);
        }
        catch (SqliteException e)
        {
            throw new IndexFormatException($"{url}: {e.Message}", e);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static List<RpmMdPackage> Read(Uri url, string path, Func<PackageName, bool> wanted)
    {
        SQLitePCL.Batteries_V2.Init();
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        Execute(connection, Guards);
        CheckTable(url, connection);
        using var command = connection.CreateCommand();
        command.CommandText = Query;
        using var rows = command.ExecuteReader();
        var packages = new List<RpmMdPackage>();
        while (rows.Read())
        {
            var fields = FieldsOf(rows);
            if (fields.PackageName is { } name && wanted(name))
                packages.Add(fields.ToPackage(url));
        }
        return packages;
    }

    /// <summary>A view in its place could compute for ever.</summary>
    private static void CheckTable(Uri url, SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT type FROM sqlite_master WHERE name = 'packages'";
        if (command.ExecuteScalar() is not "table")
            throw new IndexFormatException($"{url}: has no table of packages");
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static RpmMdPackages.Fields FieldsOf(SqliteDataReader row) => new()
    {
        Name = Text(row, 0),
        Arch = Text(row, 1),
        Epoch = Text(row, 2),
        Version = Text(row, 3),
        Release = Text(row, 4),
        Size = Text(row, 5),
        ChecksumType = Text(row, 6),
        ChecksumText = Text(row, 7),
        Location = Text(row, 8),
        Base = Text(row, 9),
    };

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
