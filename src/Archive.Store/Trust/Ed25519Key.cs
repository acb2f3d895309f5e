using System.Security.Cryptography;

namespace Archive.Store.Trust;

/// <summary>A public key of Ed25519 (RFC 8032), which checks what its owner signed.</summary>
public sealed class Ed25519PublicKey
{
    private const string Label = "PUBLIC KEY";

    /// <summary>SubjectPublicKeyInfo up to the key's 32 bytes (RFC 8410 §4).</summary>
    private static readonly byte[] Prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    private readonly byte[] _bytes;

    internal Ed25519PublicKey(ReadOnlySpan<byte> bytes) => _bytes = bytes.ToArray();

    /// <summary>16 hex digits that name the key: the start of the SHA-256 of its SubjectPublicKeyInfo.</summary>
    public string Id => Convert.ToHexStringLower(SHA256.HashData(ToInfo()))[..16];

    /// <summary>SubjectPublicKeyInfo in DER.</summary>
    public byte[] ToInfo() => [.. Prefix, .. _bytes];

    public string ToPem() => new string(PemEncoding.Write(Label, ToInfo())) + "\n";

    /// <exception cref="CryptographicException">The text is no PEM of such a key.</exception>
    public static Ed25519PublicKey OfPem(string text) => PemKey.Read(text, Label, Prefix) is { } bytes
        ? new(bytes)
        : throw new CryptographicException("this is no Ed25519 public key in PEM");

    /// <summary>Whether the signature (64 bytes) is this key's on the data.</summary>
    public unsafe bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        fixed (byte* key = _bytes, bytes = data, signed = signature)
        {
            using var native = new NativeKey(Libcrypto.NewPublicKey(Libcrypto.Ed25519, 0, key, (nuint)_bytes.Length));
            NativeKey.Require(Libcrypto.VerifyInit(native.Context, 0, 0, 0, native.Key), "EVP_DigestVerifyInit");
            return Libcrypto.Verify(native.Context, signed, (nuint)signature.Length, bytes, (nuint)data.Length) == 1;
        }
    }
}

/// <summary>A private key of Ed25519, which signs.</summary>
public sealed class Ed25519PrivateKey
{
    private const string Label = "PRIVATE KEY";
    private const int SeedBytes = 32, SignatureBytes = 64;

    /// <summary>PKCS #8 up to the seed's 32 bytes (RFC 8410 §7).</summary>
    private static readonly byte[] Prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

    private readonly byte[] _seed;

    private Ed25519PrivateKey(byte[] seed) => (_seed, PublicKey) = (seed, PublicOf(seed));

    public Ed25519PublicKey PublicKey { get; }

    public static Ed25519PrivateKey Generate() => new(RandomNumberGenerator.GetBytes(SeedBytes));

    public string ToPem() => new string(PemEncoding.Write(Label, [.. Prefix, .. _seed])) + "\n";

    /// <exception cref="CryptographicException">The text is no PEM of such a key.</exception>
    public static Ed25519PrivateKey OfPem(string text) => PemKey.Read(text, Label, Prefix) is { } seed
        ? new(seed)
        : throw new CryptographicException("this is no Ed25519 private key in PEM");

    /// <returns>64 bytes.</returns>
    public unsafe byte[] Sign(ReadOnlySpan<byte> data)
    {
        var signature = new byte[SignatureBytes];
        nuint length = SignatureBytes;
        fixed (byte* seed = _seed, bytes = data, signed = signature)
        {
            using var native = new NativeKey(Libcrypto.NewPrivateKey(Libcrypto.Ed25519, 0, seed, SeedBytes));
            NativeKey.Require(Libcrypto.SignInit(native.Context, 0, 0, 0, native.Key), "EVP_DigestSignInit");
            NativeKey.Require(Libcrypto.Sign(native.Context, signed, ref length, bytes, (nuint)data.Length), "EVP_DigestSign");
        }
        return signature;
    }

    private static unsafe Ed25519PublicKey PublicOf(byte[] seed)
    {
        var bytes = stackalloc byte[SeedBytes];
        nuint length = SeedBytes;
        fixed (byte* start = seed)
        {
            using var native = new NativeKey(Libcrypto.NewPrivateKey(Libcrypto.Ed25519, 0, start, SeedBytes));
            NativeKey.Require(Libcrypto.GetPublicKey(native.Key, bytes, ref length), "EVP_PKEY_get_raw_public_key");
        }
        return new Ed25519PublicKey(new ReadOnlySpan<byte>(bytes, SeedBytes));
    }
}

/// <summary>The 32 bytes of a key in a PEM block whose structure is fixed.</summary>
internal static class PemKey
{
    private const int KeyBytes = 32;

    public static byte[]? Read(string text, string label, ReadOnlySpan<byte> prefix)
    {
        if (!PemEncoding.TryFind(text, out var fields) || text[fields.Label] != label)
            return null;
        var bytes = Convert.FromBase64String(text[fields.Base64Data]);
        return bytes.Length == prefix.Length + KeyBytes && bytes.AsSpan().StartsWith(prefix) ? bytes[prefix.Length..] : null;
    }
}

/// <summary>Owns an <c>EVP_PKEY</c> and an <c>EVP_MD_CTX</c>.</summary>
internal sealed class NativeKey : IDisposable
{
    public NativeKey(nint key)
    {
        Key = key != 0 ? key : throw new CryptographicException("libcrypto takes no such Ed25519 key");
        Context = Libcrypto.NewContext();
    }

    public nint Key { get; }

    public nint Context { get; }

    public static void Require(int result, string call)
    {
        if (result != 1)
            throw new CryptographicException($"{call} failed");
    }

    public void Dispose()
    {
        Libcrypto.FreeContext(Context);
        Libcrypto.FreeKey(Key);
    }
}
