using Archive.Store.Catalogue;
using Archive.Store.Trust;

namespace Archive.Store.Mirrors;

/// <summary>An archive that is mirrored: another one over HTTP, or the one of this process. Nothing it says is believed unchecked.</summary>
public interface IMirrorSource
{
    /// <summary>The archive's keys, oldest first.</summary>
    Task<IReadOnlyList<ArchiveKey>> KeysAsync(CancellationToken cancellation);

    Task<SignedCheckpoint> CheckpointAsync(CancellationToken cancellation);

    /// <summary>Entries of the chain behind a position, in order.</summary>
    IAsyncEnumerable<ChainEntry> ChainAsync(long after, CancellationToken cancellation);

    /// <summary>The bytes of a blob; they are the caller's to close.</summary>
    /// <exception cref="MirrorSourceException">It cannot be had.</exception>
    Task<Stream> OpenAsync(string blobKey, CancellationToken cancellation);

    /// <summary>The list that the checkpoint vouches for.</summary>
    Task<Stream> OpenSumsAsync(CancellationToken cancellation);
}

/// <summary>The archive cannot be reached, or is not what it was trusted to be; the message says which.</summary>
public sealed class MirrorSourceException(string message, Exception? inner = null) : Exception(message, inner);
