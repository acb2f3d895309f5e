using System.Text.Json.Serialization;
using Archive.Store.Kernels;

namespace Archive.Store.Provenance;

/// <summary>
/// Where a published BTF comes from and how it was made: the JSON beside each blob. It says everything that the catalogue says of
/// a publication, save the time, so that the catalogue can be rebuilt from the tree, and that the same input and converter give the
/// same bytes.
/// </summary>
public sealed record ProvenanceDocument
{
    /// <summary>What this program writes. Fields are added under the same number; a changed meaning takes the next.</summary>
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    public required ProvenanceKernel Kernel { get; init; }

    public required ProvenancePackage Package { get; init; }

    /// <summary>What vouched for the package; null for a local file.</summary>
    public ProvenanceIndex? Index { get; init; }

    /// <summary>The archive that it was taken over from, checked but not made by us; null where we made it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Uri? ImportedFrom { get; init; }

    /// <summary>What other mirrors sent instead, before one had the package: "URL: problem".</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? PassedOver { get; init; }

    public required ProvenanceImage Image { get; init; }

    public required ProvenanceConversion Conversion { get; init; }

    /// <summary>Number of types by kind, such as <c>STRUCT</c>.</summary>
    public required IReadOnlyDictionary<string, int> TypeCounts { get; init; }

    public required ProvenanceForms Forms { get; init; }

    /// <summary>The <c>.inventory.xz</c> of functions, symbols and tracepoints published with the kernel; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StoredForm? Inventory { get; init; }

    /// <summary>The modules published with the kernel; null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProvenanceModules? Modules { get; init; }

    /// <summary>Why no modules were published: <c>not asked</c>, <c>none in the package</c>, or <c>refused:</c> and a reason; null where some were.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? NoModules { get; init; }

    /// <summary>The build as the catalogue knows it.</summary>
    /// <exception cref="ArgumentException">A name cannot be a path segment.</exception>
    public KernelBuild ToBuild() => new()
    {
        Key = new KernelKey(Kernel.Distro, Kernel.Version, Kernel.Arch, Kernel.Uname),
        PackageName = Package.Name,
        PackageVersion = Package.Version,
        PackageSha256 = Package.Sha256,
        PackageSize = Package.Size,
        PackageUrl = Package.Url,
    };

    /// <summary>The publication as the catalogue knows it.</summary>
    /// <param name="itself">Digest and size of this document's own bytes.</param>
    public Publication ToPublication(StoredForm itself, DateTimeOffset publishedAt) => new()
    {
        BuildId = Image.BuildId,
        TakenFrom = Conversion.TakenFrom,
        ShipsBtf = Image.ShipsBtf,
        PublishedAt = publishedAt,
        Raw = Forms.Raw,
        Tarball = Forms.Tarball,
        Provenance = itself,
        Modules = Modules?.Form,
    };
}

public sealed record ProvenanceKernel(string Distro, string Version, string Arch, string Uname)
{
    public static ProvenanceKernel Of(KernelKey key) => new(key.Distro, key.Version, key.Arch, key.Uname);
}

/// <param name="Sha256">Lower-case hex, of the bytes that were read.</param>
/// <param name="Size">Bytes.</param>
public sealed record ProvenancePackage(Uri Url, string Name, string Version, string Sha256, long Size)
{
    public static ProvenancePackage Of(KernelBuild build) =>
        new(build.PackageUrl, build.PackageName, build.PackageVersion, build.PackageSha256, build.PackageSize);
}

/// <summary>The signed index that states the package's digest.</summary>
/// <param name="Url">Of the InRelease or repomd.xml.</param>
/// <param name="Sha256">Of its bytes, lower-case hex.</param>
/// <param name="IsVerified">A good signature of a trusted key was found.</param>
/// <param name="KeyFingerprints">Of the keys whose signatures were good, as the verifier prints them.</param>
public sealed record ProvenanceIndex(Uri Url, string Sha256, bool IsVerified, IReadOnlyList<string> KeyFingerprints)
{
    /// <summary>Why it was believed without a signature, or past its time; null where all was well.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Unverified { get; init; }
}

/// <summary>What the vmlinux says of itself.</summary>
public sealed record ProvenanceImage
{
    /// <summary>GNU build-id, lower-case hex.</summary>
    public string? BuildId { get; init; }

    /// <summary>The whole <c>linux_banner</c>.</summary>
    public string? Banner { get; init; }

    /// <summary>DW_AT_producer of the first C unit; null when the DWARF was not read.</summary>
    public string? Producer { get; init; }

    /// <summary>Highest of the C units; 0 when the DWARF was not read.</summary>
    public int DwarfVersion { get; init; }

    public required bool ShipsBtf { get; init; }
}

/// <param name="TakenFrom"><c>btf</c> or <c>dwarf</c>; <c>imported</c> where another archive made it.</param>
/// <param name="Options">As given to the converter; what does not change the bytes (threads) is left out.</param>
public sealed record ProvenanceConversion(
    string TakenFrom, string ConverterName, string ConverterVersion, IReadOnlyDictionary<string, string> Options);

public sealed record ProvenanceForms(StoredForm Raw, StoredForm Tarball);

/// <param name="Form">The <c>.tar.xz</c> of their split BTF.</param>
/// <param name="Seen">Modules in the packages.</param>
/// <param name="Published">Those of them whose BTF was published; the others have none, or were refused.</param>
/// <param name="Packages">Further packages they came from.</param>
/// <param name="Refused">Why modules were refused, the first few.</param>
public sealed record ProvenanceModules(StoredForm Form, int Seen, int Published, IReadOnlyList<ProvenancePackage> Packages, IReadOnlyList<string> Refused);
