namespace Archive.Api.Admin;

/// <summary>Section <c>Admin</c>: who may administrate.</summary>
public sealed record AdminOptions
{
    /// <summary>Whether there are admin routes; by default where only this machine can reach them.</summary>
    public bool? Enabled { get; init; }

    /// <summary>SHA-256 (hex) of each key, by the name of who has it. <c>Archive.Api admin-key NAME</c> makes one.</summary>
    public Dictionary<string, string> Keys { get; init; } = new(StringComparer.Ordinal);
}
