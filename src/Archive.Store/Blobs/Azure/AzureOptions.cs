using Azure.Core;
using Azure.Identity;
using Azure.Storage.Blobs;

namespace Archive.Store.Blobs.Azure;

/// <summary>Where downloads of stored blobs are sent instead of being passed on by the API.</summary>
public enum RedirectKind
{
    /// <summary>Nowhere: the API sends the bytes.</summary>
    None,

    /// <summary>To the blob itself, with a signature that lasts for minutes.</summary>
    Sas,

    /// <summary>To a base URL under which the container is served to all, such as a CDN's.</summary>
    Url,
}

/// <summary>An archive's container in Azure Blob Storage.</summary>
public sealed record AzureOptions
{
    public const string DefaultContainer = "btf-archive";

    /// <summary>
    /// A connection string; the account's URL with a SAS; or its URL alone, with which the process signs in by its managed identity (or
    /// what else <c>DefaultAzureCredential</c> finds).
    /// </summary>
    public required string Connection { get; init; }

    /// <summary>One for each archive.</summary>
    public string Container { get; init; } = DefaultContainer;

    /// <summary>Client id of a user-assigned identity; null for the system-assigned one.</summary>
    public string? ClientId { get; init; }

    public RedirectKind Redirect { get; init; }

    /// <summary>Where <see cref="Redirect"/> is <see cref="RedirectKind.Url"/>.</summary>
    public Uri? RedirectBase { get; init; }

    /// <summary>How long one attempt at a request may take; four are made.</summary>
    public TimeSpan NetworkTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Before the second attempt; it doubles from there.</summary>
    public TimeSpan FirstRetryDelay { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <exception cref="FormatException">The connection or the container's name is wrong.</exception>
    internal BlobServiceClient CreateClient()
    {
        var options = new BlobClientOptions();
        options.Retry.Mode = RetryMode.Exponential;
        options.Retry.MaxRetries = 3;
        options.Retry.Delay = FirstRetryDelay;
        options.Retry.MaxDelay = TimeSpan.FromSeconds(10);
        options.Retry.NetworkTimeout = NetworkTimeout;
        try
        {
            if (!Uri.TryCreate(Connection, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
                return new BlobServiceClient(Connection, options);
            return url.Query.Contains("sig=", StringComparison.Ordinal)
                ? new BlobServiceClient(url, options)
                : new BlobServiceClient(url, new DefaultAzureCredential(new DefaultAzureCredentialOptions { ManagedIdentityClientId = ClientId }), options);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new FormatException("ConnectionStrings:Blobs is neither a connection string of Azure Storage nor the URL of an account", e);
        }
    }
}
