using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Archive.Store.Blobs.Azure;

/// <summary>
/// One blob on its way to the service, block by block, each with its CRC64. Nothing is there before the last request, which commits the blocks,
/// or carries a small blob whole, with its MD5. Blocks of an upload that broke off are the service's to forget, within a week.
/// </summary>
internal sealed class AzureUpload(string key, BlockBlobClient blob, PutMode mode)
{
    private const int BlockBytes = 4 << 20;

    /// <summary>By this an upload whose answer was lost knows its own work.</summary>
    private const string UploadName = "upload";

    private const int Attempts = 4;

    private static readonly UploadTransferValidationOptions
        OfBlock = new() { ChecksumAlgorithm = StorageChecksumAlgorithm.StorageCrc64 },
        OfBlob = new() { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 };

    private readonly string _upload = Guid.NewGuid().ToString("n");
    private readonly List<string> _blocks = [];

    /// <summary>False where the mode is <see cref="PutMode.CreateOnly"/> and the key exists.</summary>
    public async Task<bool> SendAsync(Stream content, CancellationToken cancellation)
    {
        long? promised = content.CanSeek ? content.Length - content.Position : null;
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        var buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            long sent = 0;
            for (; ; )
            {
                // Errors of the content stay what they are.
                var read = await content.ReadAtLeastAsync(buffer.AsMemory(0, BlockBytes), BlockBytes, throwOnEndOfStream: false, cancellation);
                md5.AppendData(buffer, 0, read);
                sent += read;
                if (read < BlockBytes)
                    return await EndAsync(buffer.AsMemory(0, read), sent, promised, md5.GetHashAndReset(), cancellation);
                await StageAsync(buffer.AsMemory(0, read), cancellation);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<bool> EndAsync(ReadOnlyMemory<byte> rest, long sent, long? promised, byte[] md5, CancellationToken cancellation)
    {
        if (sent != (promised ?? sent))
            throw new BlobStoreException($"'{key}': {sent} bytes read of {promised} promised");
        if (_blocks.Count > 0 && rest.Length > 0)
            await StageAsync(rest, cancellation);
        return await AzureBlobStore.GuardAsync(key, () => CommitAsync(rest, md5, cancellation));
    }

    private Task StageAsync(ReadOnlyMemory<byte> block, CancellationToken cancellation)
    {
        var id = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(_upload + _blocks.Count.ToString("x8", CultureInfo.InvariantCulture)));
        _blocks.Add(id);
        return AzureBlobStore.GuardAsync(key, () => SendIntactAsync(() =>
            blob.StageBlockAsync(id, Reading(block), new BlockBlobStageBlockOptions { TransferValidation = OfBlock }, cancellation)));
    }

    private async Task<bool> CommitAsync(ReadOnlyMemory<byte> rest, byte[] md5, CancellationToken cancellation)
    {
        var conditions = mode == PutMode.CreateOnly ? new BlobRequestConditions { IfNoneMatch = ETag.All } : null;
        var headers = new BlobHttpHeaders { ContentType = TypeOf(key), ContentHash = _blocks.Count > 0 ? md5 : null }; // Of a blob sent whole the service has it.
        var metadata = new Dictionary<string, string> { [UploadName] = _upload };
        try
        {
            if (_blocks.Count > 0)
                await blob.CommitBlockListAsync(_blocks, new CommitBlockListOptions { Conditions = conditions, HttpHeaders = headers, Metadata = metadata }, cancellation);
            else
                await PutWholeAsync(rest, new BlobUploadOptions { Conditions = conditions, HttpHeaders = headers, Metadata = metadata, TransferValidation = OfBlob }, cancellation);
            return true;
        }
        catch (RequestFailedException e) when (mode == PutMode.CreateOnly && (e.Status is 409 or 412 || e.ErrorCode == BlobErrorCode.InvalidBlockList))
        {
            // An attempt whose answer was lost may have made the blob that now stands in the way. Another's commit forgets our blocks.
            var properties = await blob.GetPropertiesAsync(null, cancellation);
            return properties.Value.Metadata.TryGetValue(UploadName, out var maker) && maker == _upload;
        }
    }

    private async Task PutWholeAsync(ReadOnlyMemory<byte> content, BlobUploadOptions options, CancellationToken cancellation)
    {
        options.TransferOptions = new StorageTransferOptions { InitialTransferSize = BlockBytes, MaximumTransferSize = BlockBytes };
        await SendIntactAsync(() => blob.UploadAsync(Reading(content), options, cancellation));
    }

    /// <summary>The library takes it for our mistake when bytes arrive with another checksum, and does not send them again.</summary>
    private static async Task<T> SendIntactAsync<T>(Func<Task<T>> send)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await send();
            }
            catch (RequestFailedException e) when (attempt < Attempts && (e.ErrorCode == BlobErrorCode.Md5Mismatch || e.ErrorCode == "Crc64Mismatch"))
            {
            }
        }
    }

    /// <summary>For those who read the container by a CDN or the portal.</summary>
    private static string TypeOf(string key) => Path.GetExtension(key) switch
    {
        ".json" => "application/json",
        ".xz" => "application/x-xz",
        _ => "application/octet-stream",
    };

    private static MemoryStream Reading(ReadOnlyMemory<byte> bytes) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
}
