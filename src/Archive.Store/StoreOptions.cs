namespace Archive.Store;

/// <summary>What database holds the catalogue.</summary>
public enum CatalogueKind
{
    /// <summary>A file in the data directory.</summary>
    Sqlite,

    /// <summary>A PostgreSQL server.</summary>
    Postgres,
}

/// <summary>Where an archive is kept.</summary>
public sealed record StoreOptions
{
    /// <summary>Holds <c>tree/</c> (blobs), <c>catalogue.db</c> and <c>work/</c> (scratch), as far as they are not elsewhere; created where it is not there.</summary>
    public required string DataDirectory { get; init; }

    public CatalogueKind Catalogue { get; init; }

    /// <summary>Npgsql's connection string, where the catalogue is in PostgreSQL.</summary>
    public string? CatalogueConnection { get; init; }

    /// <summary>The options that settings tell, the same for the server and for commands: <c>Catalogue</c> and <c>ConnectionStrings:Catalogue</c>.</summary>
    /// <param name="setting">The value by its name; null where it is not set.</param>
    /// <exception cref="FormatException">A setting is wrong.</exception>
    public static StoreOptions Read(string dataDirectory, Func<string, string?> setting)
    {
        var options = new StoreOptions { DataDirectory = dataDirectory, Catalogue = Kind(setting("Catalogue")), CatalogueConnection = setting("ConnectionStrings:Catalogue") };
        if (options.Catalogue == CatalogueKind.Postgres)
            CheckConnection(options.CatalogueConnection);
        return options;
    }

    /// <summary>As <see cref="Read"/>, from environment variables, where <c>__</c> stands for the colon.</summary>
    /// <exception cref="FormatException">A variable is wrong.</exception>
    public static StoreOptions FromEnvironment(string dataDirectory) =>
        Read(dataDirectory, name => Environment.GetEnvironmentVariable(name.Replace(":", "__", StringComparison.Ordinal)));

    private static CatalogueKind Kind(string? name) => name?.ToUpperInvariant() switch
    {
        null or "" or "SQLITE" => CatalogueKind.Sqlite,
        "POSTGRES" => CatalogueKind.Postgres,
        _ => throw new FormatException($"Catalogue is '{name}'; it is sqlite or postgres"),
    };

    /// <summary>The message names no value: it may be a password.</summary>
    private static void CheckConnection(string? connection)
    {
        try
        {
            if (new Npgsql.NpgsqlConnectionStringBuilder(connection) is { Host: { Length: > 0 } })
                return;
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"ConnectionStrings:Catalogue cannot be read: {e.Message}", e);
        }
        throw new FormatException("Catalogue is postgres, and ConnectionStrings:Catalogue names no Host");
    }
}
