using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>How far the chain goes.</summary>
/// <param name="Position">Number of entries.</param>
/// <param name="Hash">Of the last entry; 64 zeros where there is none.</param>
public sealed record ChainHead(long Position, string Hash)
{
    public static ChainHead Empty { get; } = new(0, new string('0', 64));
}

/// <summary>
/// One publication or withdrawal, in the order in which they happened. The hash is the SHA-256 of the previous entry's hash (hex), a
/// line feed, the line, and a line feed: who knows one hash has pinned everything before it.
/// </summary>
/// <param name="Position">1 for the first.</param>
public sealed record ChainEntry(long Position, string Hash, string Line)
{
    /// <summary>The entry that this line is behind that one.</summary>
    public static ChainEntry After(ChainHead head, string line) => new(head.Position + 1, HashOf(head.Hash, line), line);

    public ChainHead Head => new(Position, Hash);

    private static string HashOf(string previous, string line) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{previous}\n{line}\n")));
}

/// <summary>What an entry of the chain says, in fields between tabs.</summary>
/// <param name="Modules">The modules' split BTF; null where none was published.</param>
/// <param name="Reason">Why it was withdrawn; null for a publication.</param>
public sealed record ChainEvent(KernelKey Key, string PackageName, string PackageVersion, StoredForm Raw, StoredForm Tarball, StoredForm Provenance, StoredForm? Modules, string? BuildId, string? Reason)
{
    private const string Publish = "publish", Withdraw = "withdraw", None = "-";
    private const int CommonFields = 9;

    public bool IsWithdrawal => Reason is not null;

    public static ChainEvent Published(KernelBuild build, Publication publication) => new(
        build.Key, build.PackageName, build.PackageVersion, publication.Raw, publication.Tarball, publication.Provenance, publication.Modules, publication.BuildId, null);

    public string ToLine()
    {
        var fields = new List<string> { IsWithdrawal ? Withdraw : Publish, Key.ToString(), Plain(PackageName), Plain(PackageVersion), Of(Raw), Of(Tarball), Of(Provenance), Modules is null ? None : Of(Modules), Plain(BuildId ?? None) };
        if (Reason is not null)
            fields.Add(Plain(Reason));
        return string.Join('\t', fields);
    }

    /// <exception cref="FormatException">The line is no entry of a chain.</exception>
    public static ChainEvent Parse(string line)
    {
        var fields = line.Split('\t');
        var isWithdrawal = fields[0] == Withdraw;
        if (!isWithdrawal && fields[0] != Publish || fields.Length != (isWithdrawal ? CommonFields + 1 : CommonFields))
            throw Wrong(line);
        var place = fields[1].Split('/');
        if (place.Length != 4 || !place.All(SafeSegment.IsSafe))
            throw Wrong(line);
        return new ChainEvent(
            new KernelKey(place[0], place[1], place[2], place[3]), fields[2], fields[3], FormOf(fields[4], line), FormOf(fields[5], line), FormOf(fields[6], line),
            fields[7] == None ? null : FormOf(fields[7], line), fields[8] == None ? null : fields[8], isWithdrawal ? fields[CommonFields] : null);
    }

    private static string Of(StoredForm form) => string.Create(CultureInfo.InvariantCulture, $"{form.Sha256}:{form.Size}");

    private static StoredForm FormOf(string field, string line)
    {
        var parts = field.Split(':');
        return parts is [{ Length: 64 } digest, var size] && digest.All(char.IsAsciiHexDigitLower) && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? new StoredForm(digest, bytes)
            : throw Wrong(line);
    }

    private static FormatException Wrong(string line) => new($"'{line[..Math.Min(line.Length, 200)]}' is no entry of a chain");

    /// <summary>One field: what separates fields and lines becomes a blank.</summary>
    private static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
