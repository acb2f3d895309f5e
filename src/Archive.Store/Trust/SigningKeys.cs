using System.Globalization;
using System.Text;

namespace Archive.Store.Trust;

/// <summary>A public key of the archive, with the word of its predecessor for it.</summary>
/// <param name="Number">1 for the first.</param>
/// <param name="Endorsement">The predecessor's signature on <see cref="Statement"/>; null for the first.</param>
public sealed record ArchiveKey(int Number, Ed25519PublicKey PublicKey, byte[]? Endorsement)
{
    /// <summary>What the predecessor signs: its own id, and the new key.</summary>
    public static byte[] Statement(Ed25519PublicKey predecessor, Ed25519PublicKey successor) =>
        Encoding.UTF8.GetBytes($"btf-archive key\n{predecessor.Id}\n{Convert.ToBase64String(successor.ToInfo())}\n");

    /// <summary>Whether the predecessor vouches for this key.</summary>
    public bool IsEndorsedBy(Ed25519PublicKey predecessor) =>
        Endorsement is { } signature && predecessor.Verify(Statement(predecessor, PublicKey), signature);
}

/// <summary>
/// The archive's signing keys, in the folder <c>keys</c> of the data directory: <c>0001.pub.pem</c>, <c>0002.pub.pem</c> and so on, each but the first
/// with <c>.endorsement</c>, its predecessor's signature; and the newest one's private <c>.pem</c>, readable by its owner alone. The
/// first is made at the first start. Who trusts one of them can follow the endorsements to the newest.
/// </summary>
public sealed class SigningKeys
{
    private readonly KeyFolder _folder;

    private SigningKeys(KeyFolder folder) => _folder = folder;

    /// <summary>Opens the folder, and makes the first key where there is none.</summary>
    public static SigningKeys Open(string dataDirectory)
    {
        var keys = new SigningKeys(new KeyFolder(dataDirectory));
        using var held = keys._folder.Lock();
        if (!File.Exists(keys.Public(1)))
            keys.Add(1, null);
        return keys;
    }

    /// <summary>Every key that ever was, oldest first.</summary>
    public IReadOnlyList<ArchiveKey> All()
    {
        var keys = new List<ArchiveKey>();
        for (var number = 1; File.Exists(Public(number)); number++)
        {
            var endorsement = Endorsement(number);
            keys.Add(new ArchiveKey(number, Ed25519PublicKey.OfPem(File.ReadAllText(Public(number))), File.Exists(endorsement) ? File.ReadAllBytes(endorsement) : null));
        }
        return keys;
    }

    /// <summary>The key that signs.</summary>
    public Ed25519PrivateKey Current()
    {
        using var held = _folder.Lock();
        return Read(All()[^1].Number);
    }

    /// <summary>Makes a new key, endorsed by the one in use, whose private part is then deleted.</summary>
    public ArchiveKey Rotate()
    {
        using var held = _folder.Lock();
        var last = All()[^1].Number;
        Add(last + 1, Read(last));
        File.Delete(Private(last));
        return All()[^1];
    }

    /// <summary>The public key is named last: a key counts from then on.</summary>
    private void Add(int number, Ed25519PrivateKey? predecessor)
    {
        var key = Ed25519PrivateKey.Generate();
        KeyFolder.Write(Private(number), Encoding.ASCII.GetBytes(key.ToPem()), UnixFileMode.UserRead);
        if (predecessor is not null)
            KeyFolder.Write(Endorsement(number), predecessor.Sign(ArchiveKey.Statement(predecessor.PublicKey, key.PublicKey)), UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        KeyFolder.Write(Public(number), Encoding.ASCII.GetBytes(key.PublicKey.ToPem()), UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    private Ed25519PrivateKey Read(int number) => Ed25519PrivateKey.OfPem(File.ReadAllText(Private(number)));

    private string Private(int number) => _folder.PathOf(Name(number) + ".pem");

    private string Public(int number) => _folder.PathOf(Name(number) + ".pub.pem");

    private string Endorsement(int number) => _folder.PathOf(Name(number) + ".endorsement");

    private static string Name(int number) => number.ToString("0000", CultureInfo.InvariantCulture);
}
