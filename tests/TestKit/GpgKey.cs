namespace TestKit;

/// <summary>A throw-away key that signs.</summary>
public sealed class GpgKey : IDisposable
{
    private readonly TempFolder _folder = new();

    public GpgKey(string algorithm = "ed25519")
    {
        File.SetUnixFileMode(_folder.FullPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Gpg("--batch", "--passphrase", "", "--quick-generate-key", "test@example.org", algorithm, "sign", "never");
        Gpg("--output", Keyring, "--export");
    }

    /// <summary>The public key, as gpgv wants it.</summary>
    public string Keyring => _folder.File("keyring.gpg");

    public string Home => _folder.FullPath;

    /// <summary>Writes an armoured detached signature beside the file, as <c>FILE.asc</c>.</summary>
    public void SignDetached(string file) => Gpg("--batch", "--yes", "--armor", "--detach-sign", "--output", file + ".asc", file);

    public void ClearSign(string file, string target) => Gpg("--batch", "--yes", "--clearsign", "--output", target, file);

    public void Dispose()
    {
        _ = Tool.Try("gpgconf", ["--homedir", Home, "--kill", "all"]);
        _folder.Dispose();
    }

    private void Gpg(params string[] arguments) => Tool.Run("gpg", ["--homedir", Home, "--quiet", .. arguments]);
}
