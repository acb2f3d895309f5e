using System.Globalization;
using System.Text;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Store.Trust;

/// <summary>What the archive signs: how far its chain goes, and the digest of the list of everything it serves (<c>SHA256SUMS</c>).</summary>
public sealed record Checkpoint(ChainHead Head, StoredForm Sums, string KeyId, DateTimeOffset Time)
{
    private const string Title = "btf-archive checkpoint";

    /// <summary>The signed bytes: lines of name and value.</summary>
    public byte[] ToBytes() => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $"{Title}\nposition: {Head.Position}\nhash: {Head.Hash}\nsums: {Sums.Sha256} {Sums.Size}\nkey: {KeyId}\ntime: {Time.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}\n"));

    /// <exception cref="FormatException">The bytes are no checkpoint.</exception>
    public static Checkpoint Parse(ReadOnlySpan<byte> bytes)
    {
        var lines = Encoding.UTF8.GetString(bytes).Split('\n');
        if (lines is not [Title, var position, var hash, var sums, var key, var time, ..])
            throw new FormatException("this is no checkpoint of a BTF archive");
        var sum = Value(sums, "sums").Split(' ');
        return new Checkpoint(
            new ChainHead(Number(Value(position, "position")), Value(hash, "hash")),
            new StoredForm(sum[0], Number(sum[^1])),
            Value(key, "key"),
            DateTimeOffset.ParseExact(Value(time, "time"), "yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal));
    }

    private static string Value(string line, string name) => line.StartsWith(name + ": ", StringComparison.Ordinal)
        ? line[(name.Length + 2)..]
        : throw new FormatException($"a checkpoint has '{name}: …' where this one has '{line}'");

    private static long Number(string text) => long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}

/// <summary>A checkpoint and the signature on its bytes.</summary>
public sealed record SignedCheckpoint(byte[] Bytes, byte[] Signature)
{
    public Checkpoint Checkpoint => Checkpoint.Parse(Bytes);

    public bool IsSignedBy(Ed25519PublicKey key) => key.Verify(Bytes, Signature);
}
