namespace Archive.Api.Admin;

/// <summary>Section <c>Admin</c>: who may administrate.</summary>
public sealed record AdminOptions
{
    /// <summary>Whether there are admin routes; by default where only this machine can reach them.</summary>
    public bool? Enabled { get; init; }

    /// <summary>SHA-256 (hex) of each key, by the name of who has it. <c>Archive.Api admin-key NAME</c> makes one.</summary>
    public Dictionary<string, string> Keys { get; init; } = new(StringComparer.Ordinal);

    public OidcOptions Oidc { get; init; } = new();
}

/// <summary>Section <c>Admin:Oidc</c>: administrators by tokens of an OpenID Connect issuer.</summary>
public sealed record OidcOptions
{
    /// <summary>URL of the issuer, below which <c>.well-known/openid-configuration</c> is; null for no tokens.</summary>
    public string? Authority { get; init; }

    /// <summary>What tokens must be meant for (<c>aud</c>).</summary>
    public string Audience { get; init; } = "btf-archive";

    /// <summary>Claim that holds roles: an array, or words in one text.</summary>
    public string RoleClaim { get; init; } = "roles";

    /// <summary>The role that administrators have.</summary>
    public string Role { get; init; } = "btf-archive-admin";

    /// <summary>Claim whose value stands in the audit log.</summary>
    public string NameClaim { get; init; } = "sub";
}
