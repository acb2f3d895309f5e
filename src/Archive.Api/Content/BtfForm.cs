namespace Archive.Api.Content;

/// <summary>What a kernel's BTF can be had as.</summary>
public enum BtfForm
{
    /// <summary>Raw BTF.</summary>
    Raw,

    /// <summary>The <c>.btf.tar.xz</c> of btfhub-archive, the form that is stored.</summary>
    Tarball,
    Zstd,
    Gzip,

    /// <summary>An ELF file that has the BTF as its section <c>.BTF</c>.</summary>
    Elf,
    Provenance,
}

/// <summary>Names of the forms, in paths and in headers.</summary>
public static class BtfForms
{
    /// <summary>Longest first, so that the first that fits is the one.</summary>
    private static readonly (string Extension, BtfForm Form)[] Extensions =
    [
        (".btf.tar.xz", BtfForm.Tarball), (".btf.json", BtfForm.Provenance), (".btf.zst", BtfForm.Zstd),
        (".btf.elf", BtfForm.Elf), (".btf.gz", BtfForm.Gzip), (".btf", BtfForm.Raw),
    ];

    /// <summary>The forms as the tree has them, for messages.</summary>
    public static string AllExtensions { get; } = string.Join(", ", Extensions.Select(e => e.Extension));

    public static string Extension(this BtfForm form) => Array.Find(Extensions, e => e.Form == form).Extension;

    /// <summary>Splits a file's name of the tree into uname and form; null where it is neither.</summary>
    public static (string Uname, BtfForm Form)? OfFile(string file) =>
        Extensions.FirstOrDefault(e => file.EndsWith(e.Extension, StringComparison.Ordinal)) is ({ } extension, var form)
            ? (file[..^extension.Length], form)
            : null;

    /// <summary>The form of a name such as <c>tar.xz</c>, <c>raw</c> or <c>elf</c>; null where there is none.</summary>
    public static BtfForm? OfName(string name) => name.ToLowerInvariant() switch
    {
        "raw" or "btf" => BtfForm.Raw,
        "tarball" or "tar.xz" => BtfForm.Tarball,
        "zst" or "zstd" => BtfForm.Zstd,
        "gz" or "gzip" => BtfForm.Gzip,
        "elf" => BtfForm.Elf,
        "provenance" or "json" => BtfForm.Provenance,
        _ => null,
    };

    public static string MediaType(this BtfForm form) => form switch
    {
        BtfForm.Tarball => "application/x-xz",
        BtfForm.Zstd => "application/zstd",
        BtfForm.Gzip => "application/gzip",
        BtfForm.Elf => "application/x-elf",
        BtfForm.Provenance => "application/json",
        _ => "application/octet-stream",
    };
}
