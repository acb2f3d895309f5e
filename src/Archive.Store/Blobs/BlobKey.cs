using Archive.Store.Kernels;

namespace Archive.Store.Blobs;

/// <summary>What a back-end accepts as a key: safe segments joined by <c>/</c>. No key can leave the store or meet a back-end's own files.</summary>
internal static class BlobKey
{
    /// <summary>A uname of <see cref="SafeSegment.MaxLength"/> and its extension; file systems take 255.</summary>
    private const int MaxSegmentLength = 250;

    /// <exception cref="BlobStoreException">The key is invalid.</exception>
    public static string Check(string key) =>
        key.Split('/').All(s => s.Length <= MaxSegmentLength && SafeSegment.HasSafeCharacters(s))
            ? key
            : throw new BlobStoreException($"'{key}' is no valid blob key");
}
