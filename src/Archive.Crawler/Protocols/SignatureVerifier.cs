using System.Diagnostics;
using Archive.Crawler.Sources;

namespace Archive.Crawler.Protocols;

/// <summary>What gpgv made of a signed file.</summary>
/// <param name="Text">The text that the signature covers; nothing outside it.</param>
/// <param name="Fingerprints">Of the keys whose signatures are good, in the order of the file.</param>
public sealed record VerifiedText(string Text, IReadOnlyList<string> Fingerprints);

/// <summary>
/// Checks signatures by <c>gpgv</c>, as apt does: at least one good signature of a key in the keyring, and none that is bad.
/// Signatures of keys that are not in the keyring do not count for or against.
/// </summary>
public sealed class SignatureVerifier(string keyring, string howToGet)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>For a source; null where it has no keyring, or has not got it here and says why it does without.</summary>
    public static SignatureVerifier? For(string? keyring, SourceDefinition source) =>
        keyring is null || source.Unverified is not null && !File.Exists(keyring)
            ? null
            : new SignatureVerifier(keyring, source.KeyringPackage is { } package ? $"apt-get install {package}" : "put the distro's public keys there");

    /// <param name="signed">An InRelease file (clear-signed), or what a detached signature is of.</param>
    /// <param name="detached">Release.gpg or repomd.xml.asc; null for an InRelease file.</param>
    /// <exception cref="SignatureException">The signature is missing, bad, or of no key that we trust.</exception>
    public async Task<VerifiedText> VerifyAsync(string name, byte[] signed, byte[]? detached, CancellationToken cancellation)
    {
        if (!File.Exists(keyring))
            throw new SignatureException($"the keyring {keyring} is not there: {howToGet}");
        var folder = Directory.CreateTempSubdirectory("btf-archive-gpgv-");
        try
        {
            var file = Path.Combine(folder.FullName, "signed");
            var output = Path.Combine(folder.FullName, "text");
            await File.WriteAllBytesAsync(file, signed, cancellation);
            string[] arguments;
            if (detached is null)
            {
                arguments = ["--output", output, file];
            }
            else
            {
                var signature = Path.Combine(folder.FullName, "signature");
                await File.WriteAllBytesAsync(signature, detached, cancellation);
                arguments = [signature, file];
                output = file;
            }
            var fingerprints = Judge(name, await RunAsync(await KeyringAsync(folder.FullName, cancellation), arguments, cancellation));
            return new VerifiedText(await File.ReadAllTextAsync(output, cancellation), fingerprints);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>gpgv reads binary keyrings only; Signed-By may name an armoured one.</summary>
    private async Task<string> KeyringAsync(string folder, CancellationToken cancellation)
    {
        var bytes = await File.ReadAllBytesAsync(keyring, cancellation);
        if (!bytes.AsSpan().StartsWith("-----BEGIN"u8))
            return Path.GetFullPath(keyring);
        var lines = System.Text.Encoding.ASCII.GetString(bytes).Split('\n').Select(l => l.Trim()).ToList();
        var body = lines.SkipWhile(l => l.Length > 0).TakeWhile(l => !l.StartsWith("-----END", StringComparison.Ordinal)).Where(l => l.Length > 0 && l[0] != '=');
        var path = Path.Combine(folder, "keyring.gpg");
        await File.WriteAllBytesAsync(path, Convert.FromBase64String(string.Concat(body)), cancellation);
        return path;
    }

    private static async Task<string> RunAsync(string keyring, string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo("gpgv", ["--status-fd", "1", "--keyring", keyring, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["LC_ALL"] = "C";
        using var process = Start(start);
        process.StandardInput.Close();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limit);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            var status = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            await errors;
            return status;
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            cancellation.ThrowIfCancellationRequested();
            throw new SignatureException($"gpgv did not answer within {Limit.TotalSeconds:0} s");
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new SignatureException($"gpgv cannot be started ({e.Message}): apt-get install gpgv");
        }
    }

    /// <summary>
    /// Status lines of gpgv (GnuPG doc/DETAILS): for each signature a verdict, and VALIDSIG with the fingerprint where the
    /// signature itself is right. Of those only the ones with the verdict GOODSIG count: EXPKEYSIG, REVKEYSIG and EXPSIG
    /// are right, but their key or time is not.
    /// </summary>
    private static List<string> Judge(string name, string status)
    {
        var valid = new List<string>();
        var refused = new List<string>();
        var isGood = false;
        foreach (var words in status.Split('\n').Select(l => l.Split(' ')).Where(w => w.Length > 1 && w[0] == "[GNUPG:]"))
        {
            switch (words[1])
            {
                case "GOODSIG":
                    isGood = true;
                    break;
                case "BADSIG":
                    throw new SignatureException($"{name}: bad signature of key {words.ElementAtOrDefault(2)}");
                case "EXPSIG" or "EXPKEYSIG" or "REVKEYSIG" or "NO_PUBKEY" or "NODATA":
                    isGood = false;
                    refused.Add(string.Join(' ', words.Skip(1).Take(2)));
                    break;
                case "VALIDSIG" when isGood && words.Length > 2:
                    valid.Add(words[2]);
                    break;
            }
        }
        return valid.Count > 0 ? valid : throw new SignatureException(
            $"{name}: no good signature of a key in the keyring ({(refused.Count == 0 ? "it is not signed" : string.Join(", ", refused))})");
    }
}

/// <summary>An index cannot be trusted; the message says why.</summary>
public sealed class SignatureException(string message) : Exception(message);
