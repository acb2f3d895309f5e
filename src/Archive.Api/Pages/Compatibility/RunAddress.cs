using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Archive.Api.Pages.Compatibility;

/// <summary>
/// The address of a run: when it expires, and 128 random bits, in hex. The bits are the key too: of them come the name in the store and the key that
/// what is stored there is sealed with, so that who can read the store, but was not given the address, cannot read the run.
/// </summary>
internal sealed class RunAddress
{
    private const int TimeDigits = 8, SecretBytes = 16;

    private readonly byte[] _secret;

    private RunAddress(DateTimeOffset expires, byte[] secret) => (Expires, _secret) = (expires, secret);

    /// <summary>In whole seconds.</summary>
    public DateTimeOffset Expires { get; }

    public string Id => $"{Expires.ToUnixTimeSeconds():x8}{Convert.ToHexStringLower(_secret)}";

    /// <summary>What the names of its blobs begin with.</summary>
    public string Name => $"{Expires.ToUnixTimeSeconds():x8}-{Convert.ToHexStringLower(Derive("name"u8))}";

    public static RunAddress Create(DateTimeOffset expires) => new(DateTimeOffset.FromUnixTimeSeconds(expires.ToUnixTimeSeconds()), RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Null where the text is no address.</summary>
    public static RunAddress? Parse(string id)
    {
        if (id.Length != TimeDigits + (2 * SecretBytes) || !id.All(char.IsAsciiHexDigitLower))
            return null;
        var bytes = Convert.FromHexString(id);
        return new(DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32BigEndian(bytes)), bytes[^SecretBytes..]);
    }

    /// <summary>When the blob of this name expires; null where it is no run's.</summary>
    public static DateTimeOffset? ExpiryOf(string name) =>
        uint.TryParse(name.AsSpan(0, Math.Min(TimeDigits, name.Length)), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    /// <summary>AES-256-GCM: nonce, tag, ciphertext.</summary>
    public byte[] Seal(ReadOnlySpan<byte> content)
    {
        var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
        var box = new byte[nonce + tag + content.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, nonce));
        using var cipher = new AesGcm(Derive("content"u8), tag);
        cipher.Encrypt(box.AsSpan(0, nonce), content, box.AsSpan(nonce + tag), box.AsSpan(nonce, tag));
        return box;
    }

    /// <exception cref="CryptographicException">It is not what was sealed under this address.</exception>
    public byte[] Open(ReadOnlySpan<byte> box)
    {
        var (nonce, tag) = (AesGcm.NonceByteSizes.MaxSize, AesGcm.TagByteSizes.MaxSize);
        if (box.Length < nonce + tag)
            throw new CryptographicException($"A sealed run has {nonce + tag} bytes at least; this one has {box.Length}.");
        var content = new byte[box.Length - nonce - tag];
        using var cipher = new AesGcm(Derive("content"u8), tag);
        cipher.Decrypt(box[..nonce], box[(nonce + tag)..], box.Slice(nonce, tag), content);
        return content;
    }

    private byte[] Derive(ReadOnlySpan<byte> purpose)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, key, default, purpose);
        return key[..(purpose.SequenceEqual("name"u8) ? SecretBytes : key.Length)];
    }
}
