using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;

namespace Archive.Store.Blobs.Azure;

/// <summary>URLs with which a blob can be read for a while: signed with the account's key, or with a key that the managed identity is given for a day.</summary>
internal sealed class AzureSignatures(BlobServiceClient service, TimeProvider clock)
{
    private static readonly TimeSpan KeyLifetime = TimeSpan.FromDays(1), Renewal = TimeSpan.FromHours(2);

    /// <summary>Clocks differ.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(5);

    private readonly bool _isSas = service.Uri.Query.Contains("sig=", StringComparison.Ordinal);
    private UserDelegationKey? _key;

    public bool CanSign => !_isSas;

    /// <summary>With a connection by SAS that of the connection, which never leaves the service.</summary>
    public async Task<Uri> ReadableAsync(BlobClient blob, TimeSpan lifetime, CancellationToken cancellation)
    {
        if (_isSas)
            return blob.Uri;
        var now = clock.GetUtcNow();
        if (blob.CanGenerateSasUri)
            return blob.GenerateSasUri(SasFor(blob, now, lifetime));
        var sas = SasFor(blob, now, lifetime).ToSasQueryParameters(await KeyAsync(now, cancellation), service.AccountName);
        return new BlobUriBuilder(blob.Uri) { Sas = sas }.ToUri();
    }

    private static BlobSasBuilder SasFor(BlobClient blob, DateTimeOffset now, TimeSpan lifetime) => new(BlobSasPermissions.Read, now + lifetime)
    {
        BlobContainerName = blob.BlobContainerName,
        BlobName = blob.Name,
        Resource = "b",
        StartsOn = now - Skew,
    };

    /// <summary>Two that ask for it at once get one each, and either is good.</summary>
    private async Task<UserDelegationKey> KeyAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        if (_key is { } key && key.SignedExpiresOn - now > Renewal)
            return key;
        return _key = await service.GetUserDelegationKeyAsync(now - Skew, now + KeyLifetime, cancellation);
    }
}
