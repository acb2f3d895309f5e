using System.Globalization;
using Archive.Store.Blobs;

namespace Archive.Api.Pages.Compatibility;

/// <summary>
/// Runs in the blob store, where every replica finds them: the question as soon as it is asked, the answer beside it. Sealed by their addresses, and deleted
/// once they have expired, by whichever process looks first. What a listing tells (when a blob expires, its size) is in its name:
/// <c>runs/{expiry}-{name}.{question|answer}.{bytes}</c>.
/// </summary>
public sealed class SharedRuns(IBlobStore blobs, TimeProvider clock)
{
    private const string Prefix = "runs/", Question = "question", Answer = "answer";
    private const int MaxRuns = 200;
    private const long MaxBytes = 2L << 30;

    /// <summary>Writes the question; where too much is stored already, what expires first has to go.</summary>
    internal async Task SaveAsync(RunAddress address, CompatibilityRun run, CancellationToken cancellation)
    {
        var box = address.Seal(RunDocuments.Pack(run));
        await MakeRoomAsync(box.Length, cancellation);
        await PutAsync(address, Question, box, cancellation);
    }

    /// <summary>Writes the answer, unless the run was deleted meanwhile.</summary>
    internal async Task SaveAnswerAsync(RunAddress address, CompatibilityRun run, CancellationToken cancellation)
    {
        await PutAsync(address, Answer, address.Seal(RunDocuments.PackAnswer(run)), cancellation);
        if (await NameAsync(address, Question, cancellation) is null)
            await RemoveAsync(address, cancellation);
    }

    /// <summary>The run with its answer, if it has one; null where it is not there. What this process knows of it already is not read again.</summary>
    internal async Task<CompatibilityRun?> FindAsync(RunAddress address, CompatibilityRun? known, CancellationToken cancellation)
    {
        if (await NameAsync(address, Question, cancellation) is not { } question)
            return null;
        if (known is null)
        {
            if (await ReadAsync(address, question, cancellation) is not { } bytes)
                return null;
            known = RunDocuments.Unpack(address, bytes);
        }
        if (!known.IsFinished && await NameAsync(address, Answer, cancellation) is { } answer && await ReadAsync(address, answer, cancellation) is { } kept)
            RunDocuments.TakeAnswer(known, kept);
        return known;
    }

    internal async Task RemoveAsync(RunAddress address, CancellationToken cancellation)
    {
        await foreach (var key in blobs.ListAsync(Prefix + address.Name, cancellation))
            await blobs.DeleteAsync(key, cancellation);
    }

    /// <summary>Deletes what has expired.</summary>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        await foreach (var key in blobs.ListAsync(Prefix, cancellation))
        {
            if (RunAddress.ExpiryOf(key[Prefix.Length..]) <= clock.GetUtcNow())
                await blobs.DeleteAsync(key, cancellation);
        }
    }

    /// <summary>Names begin with the time of expiry, so that a listing has those that expire first at its head.</summary>
    private async Task MakeRoomAsync(long size, CancellationToken cancellation)
    {
        var keys = await blobs.ListAsync(Prefix, cancellation).ToListAsync(cancellation);
        var (count, bytes) = (keys.Count, size + keys.Sum(SizeOf));
        foreach (var key in keys)
        {
            if (count < 2 * MaxRuns && bytes <= MaxBytes)
                return;
            await blobs.DeleteAsync(key, cancellation);
            (count, bytes) = (count - 1, bytes - SizeOf(key));
        }
    }

    private static long SizeOf(string key) => long.TryParse(key.AsSpan(key.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : 0;

    private async Task PutAsync(RunAddress address, string kind, byte[] box, CancellationToken cancellation) =>
        await blobs.PutAsync($"{Prefix}{address.Name}.{kind}.{box.Length}", new MemoryStream(box), PutMode.Replace, cancellation);

    private async Task<string?> NameAsync(RunAddress address, string kind, CancellationToken cancellation) =>
        await blobs.ListAsync($"{Prefix}{address.Name}.{kind}.", cancellation).FirstOrDefaultAsync(cancellation);

    private async Task<byte[]?> ReadAsync(RunAddress address, string key, CancellationToken cancellation)
    {
        await using var content = await blobs.OpenReadAsync(key, cancellation);
        if (content is null)
            return null;
        using var box = new MemoryStream();
        await content.CopyToAsync(box, cancellation);
        return address.Open(box.GetBuffer().AsSpan(0, (int)box.Length));
    }
}
