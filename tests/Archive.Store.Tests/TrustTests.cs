using System.Security.Cryptography;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Trust;
using TestKit;

namespace Archive.Store.Tests;

public sealed class TrustTests
{
    /// <summary>RFC 8032 §7.1, test 2.</summary>
    [Fact]
    public void SignatureIsTheStandards()
    {
        byte[] prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        var seed = Convert.FromHexString("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        var key = Ed25519PrivateKey.OfPem(new string(PemEncoding.Write("PRIVATE KEY", [.. prefix, .. seed])));
        Assert.EndsWith("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", Convert.ToHexStringLower(key.PublicKey.ToInfo()));
        var signature = key.Sign([0x72]);
        Assert.Equal("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00", Convert.ToHexStringLower(signature));
        Assert.True(key.PublicKey.Verify([0x72], signature));
        Assert.False(key.PublicKey.Verify([0x73], signature));
        Assert.False(key.PublicKey.Verify([0x72], signature.AsSpan(1)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")]
    public void WhatIsNoKeyIsRefused(string pem) => Assert.Throws<CryptographicException>(() => Ed25519PublicKey.OfPem(pem));

    [Fact]
    public void PrivateKeyIsItsOwnersAloneAndStaysTheSame()
    {
        using var folder = new TempFolder();
        var first = SigningKeys.Open(folder.FullPath).Current().PublicKey.Id;
        Assert.Equal(first, SigningKeys.Open(folder.FullPath).Current().PublicKey.Id);
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(folder.File("keys/0001.pem")));
    }

    [Fact]
    public void LineOfTheChainIsReadBackAndOthersAreRefused()
    {
        var form = new StoredForm(new string('a', 64), 5);
        var published = new ChainEvent(new KernelKey("debian", "12", "x86_64", "6.1.0-1-amd64"), "linux-image", "6.1-1", form, form with { Size = 7 }, form, null, null, null);
        foreach (var e in (ChainEvent[])[published, published with { Reason = "because" }, published with { BuildId = "ab12" }, published with { Modules = form }])
            Assert.Equal(e, ChainEvent.Parse(e.ToLine()));
        foreach (var line in (string[])["", "publish", published.ToLine().Replace("debian/", "../", StringComparison.Ordinal), published.ToLine().Replace("aaa", "zzz", StringComparison.Ordinal), published.ToLine() + "\tx"])
            Assert.Throws<FormatException>(() => ChainEvent.Parse(line));
    }

    [Fact]
    public void CheckpointIsReadBackAndOthersAreRefused()
    {
        var checkpoint = new Checkpoint(new ChainHead(3, new string('b', 64)), new StoredForm(new string('c', 64), 9), "0011", new DateTimeOffset(2026, 11, 21, 1, 2, 3, TimeSpan.Zero));
        Assert.Equal(checkpoint, Checkpoint.Parse(checkpoint.ToBytes()));
        Assert.Throws<FormatException>(() => Checkpoint.Parse("something else"u8));
    }
}
