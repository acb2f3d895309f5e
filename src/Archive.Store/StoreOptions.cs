using Archive.Store.Blobs.Azure;

namespace Archive.Store;

/// <summary>What database holds the catalogue.</summary>
public enum CatalogueKind
{
    /// <summary>A file in the data directory.</summary>
    Sqlite,

    /// <summary>A PostgreSQL server.</summary>
    Postgres,
}

/// <summary>What keeps the blobs.</summary>
public enum BlobsKind
{
    /// <summary>A folder in the data directory.</summary>
    Folder,

    /// <summary>A container in Azure Blob Storage.</summary>
    Azure,
}

/// <summary>Where an archive is kept.</summary>
public sealed record StoreOptions
{
    /// <summary>Holds <c>tree/</c> (blobs), <c>catalogue.db</c> and <c>work/</c> (scratch), as far as they are not elsewhere; created where it is not there.</summary>
    public required string DataDirectory { get; init; }

    public CatalogueKind Catalogue { get; init; }

    /// <summary>Npgsql's connection string, where the catalogue is in PostgreSQL.</summary>
    public string? CatalogueConnection { get; init; }

    /// <summary>The container, where blobs are in Azure Blob Storage; null for a folder.</summary>
    public AzureOptions? Azure { get; init; }

    /// <summary>
    /// The options that settings tell, the same for the server and for commands: <c>Catalogue</c>, <c>ConnectionStrings:Catalogue</c>, <c>Blobs</c>,
    /// <c>ConnectionStrings:Blobs</c> and <c>Azure:…</c>.
    /// </summary>
    /// <param name="setting">The value by its name; null where it is not set.</param>
    /// <exception cref="FormatException">A setting is wrong.</exception>
    public static StoreOptions Read(string dataDirectory, Func<string, string?> setting)
    {
        var options = new StoreOptions
        {
            DataDirectory = dataDirectory,
            Catalogue = OneOf("Catalogue", setting("Catalogue"), CatalogueKind.Sqlite),
            CatalogueConnection = setting("ConnectionStrings:Catalogue"),
            Azure = OneOf("Blobs", setting("Blobs"), BlobsKind.Folder) == BlobsKind.Azure ? ReadAzure(setting) : null,
        };
        if (options.Catalogue == CatalogueKind.Postgres)
            CheckConnection(options.CatalogueConnection);
        return options;
    }

    /// <summary>As <see cref="Read"/>, from environment variables, where <c>__</c> stands for the colon.</summary>
    /// <exception cref="FormatException">A variable is wrong.</exception>
    public static StoreOptions FromEnvironment(string dataDirectory) =>
        Read(dataDirectory, name => Environment.GetEnvironmentVariable(name.Replace(":", "__", StringComparison.Ordinal)));

    private static AzureOptions ReadAzure(Func<string, string?> setting)
    {
        var redirect = setting("Azure:Redirect");
        var isUrl = Uri.TryCreate(redirect, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";
        var options = new AzureOptions
        {
            Connection = setting("ConnectionStrings:Blobs") is { Length: > 0 } connection ? connection : throw new FormatException("Blobs is azure, and ConnectionStrings:Blobs is empty"),
            Container = setting("Azure:Container") ?? AzureOptions.DefaultContainer,
            ClientId = setting("Azure:ClientId"),
            Redirect = isUrl ? RedirectKind.Url : OneOf("Azure:Redirect", redirect, RedirectKind.None),
            RedirectBase = isUrl ? new Uri(url!.AbsoluteUri.TrimEnd('/') + "/") : null,
        };
        return options.Redirect == RedirectKind.Url && options.RedirectBase is null ? throw new FormatException("Azure:Redirect is 'url'; it is none, sas, or the URL itself") : options;
    }

    private static T OneOf<T>(string name, string? value, T absent) where T : struct, Enum
    {
        if (string.IsNullOrEmpty(value))
            return absent;
        var known = Enum.GetValues<T>().Where(v => v.ToString().Equals(value, StringComparison.OrdinalIgnoreCase)).ToList();
        return known.Count == 1 ? known[0] : throw new FormatException($"{name} is '{value}'; it is {string.Join(" or ", Enum.GetNames<T>().Select(n => n.ToLowerInvariant()))}");
    }

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
