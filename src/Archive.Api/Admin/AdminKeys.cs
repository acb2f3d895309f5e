using System.Security.Cryptography;
using System.Text;
using Archive.Store.Trust;

namespace Archive.Api.Admin;

/// <summary>
/// Keys of administrators, of which only the hashes are known here. A key is 256 random bits, so one plain SHA-256 is as good as a slow
/// hash. Where none is configured and only this machine can connect, one is made and left in <c>keys/admin.key</c> of the data directory,
/// readable by the owner of the process alone.
/// </summary>
public sealed class AdminKeys
{
    private const int KeyBytes = 32;
    private const string Scheme = "Bearer ";
    private readonly List<(string Name, byte[] Hash)> _keys;

    private AdminKeys(IEnumerable<KeyValuePair<string, string>> keys) => _keys = [.. keys.Select(k => (k.Key, Convert.FromHexString(k.Value)))];

    /// <returns>The keys; null where there are to be no admin routes.</returns>
    /// <exception cref="ConfigurationException">Others can connect, admin routes are wanted, and there is no key.</exception>
    public static AdminKeys? Open(AdminOptions options, bool isLoopback, string dataDirectory)
    {
        if (!(options.Enabled ?? isLoopback))
            return null;
        if (options.Keys.Count > 0)
            return new AdminKeys(options.Keys);
        if (options.Oidc.Authority is not null && !isLoopback)
            return new AdminKeys([]);
        if (!isLoopback)
            throw new ConfigurationException("Admin:Enabled is true and other machines can connect, but Admin:Keys has no key and Admin:Oidc no Authority: make a key with 'admin-key NAME', or set Admin:Enabled=false");
        return new AdminKeys([KeyValuePair.Create("local", HashOf(LocalKey(dataDirectory)))]);
    }

    public static string Generate() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes));

    public static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    /// <summary>The name of who sends the request; null where its key is none of ours.</summary>
    public string? NameOf(HttpRequest request) => NameOf(BearerOf(request) ?? request.Headers["X-Api-Key"].ToString());

    /// <summary>What stands behind <c>Bearer</c>; null where nothing does.</summary>
    public static string? BearerOf(HttpRequest request)
    {
        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? authorization[Scheme.Length..].Trim() : null;
    }

    /// <summary>The name of who has the key; null where it is none of ours. Takes the same time for each.</summary>
    public string? NameOf(string key)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        string? name = null;
        foreach (var known in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(known.Hash, hash))
                name = known.Name;
        }
        return name;
    }

    /// <summary>Whether the key of this hash is still this one's: who signed in by it stays so no longer.</summary>
    public bool Has(string name, string hash) => _keys.Exists(known => known.Name == name && Convert.ToHexStringLower(known.Hash) == hash);

    /// <summary>Replicas that share the folder may start at once: one makes the key, and the others wait for it.</summary>
    private static string LocalKey(string dataDirectory)
    {
        var folder = new KeyFolder(dataDirectory);
        var path = folder.PathOf("admin.key");
        if (!File.Exists(path))
        {
            using var held = folder.Lock();
            if (!File.Exists(path))
                KeyFolder.Write(path, Encoding.ASCII.GetBytes(Generate() + "\n"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        return File.ReadAllText(path).Trim();
    }
}
