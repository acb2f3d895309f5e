using System.Security.Cryptography;

namespace Archive.Crawler.Http;

/// <summary>A digest that an index states of a file.</summary>
/// <param name="Hex">Lower case.</param>
public sealed record Checksum(HashAlgorithmName Algorithm, string Hex)
{
    public static Checksum Sha256(string hex) => new(HashAlgorithmName.SHA256, hex);

    /// <summary>By the names that repositories use; null for algorithms that prove nothing (MD5), or a text that is no such digest.</summary>
    public static Checksum? Parse(string? algorithm, string? hex)
    {
        (HashAlgorithmName Name, int Bytes)? known = algorithm?.ToLowerInvariant() switch
        {
            "sha" or "sha1" => (HashAlgorithmName.SHA1, SHA1.HashSizeInBytes),
            "sha256" => (HashAlgorithmName.SHA256, SHA256.HashSizeInBytes),
            "sha384" => (HashAlgorithmName.SHA384, SHA384.HashSizeInBytes),
            "sha512" => (HashAlgorithmName.SHA512, SHA512.HashSizeInBytes),
            _ => null,
        };
        var text = hex?.Trim().ToLowerInvariant() ?? "";
        return known is var (name, bytes) && text.Length == 2 * bytes && text.All(char.IsAsciiHexDigitLower) ? new Checksum(name, text) : null;
    }

    public bool Fits(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(CryptographicOperations.HashData(Algorithm, bytes)) == Hex;

    public override string ToString() => $"{Algorithm.Name} {Hex}";
}
