using Archive.Api.Content;
using Archive.Api.Kernels;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Btf.Dedup;
using Btf.Format;

namespace Archive.Api.Endpoints;

/// <summary>
/// Forms of a kernel's BTF that take more than an encoding: without kinds that an old reader does not know, flattened with its modules, and a single module's.
/// Each is made once, as a file of the cache of forms, and is sent with the digest of its bytes.
/// </summary>
public static class FormEndpoints
{
    private const string Split = "split", Flattened = "flattened";

    public static void MapForms(this WebApplication app)
    {
        var group = app.MapGroup("/v1/btf/{sha256:regex(^[0-9a-fA-F]{{64}}$)}").WithTags("content").ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
        group.MapMethods("/down-level", BtfResponses.Methods, (HttpContext context, string sha256, FormMaker forms, string? without, string? @for) =>
                forms.SendAsync(context, sha256, null, isFlat: false, without, @for))
            .WithSummary("Raw BTF without kinds that old kernels and libraries do not know")
            .WithDescription("without: float, decl_tag, type_tag, enum64, with commas. for: a kernel's version (5.4), which leaves out what it does not read.");
        group.MapMethods("/flattened", BtfResponses.Methods, (HttpContext context, string sha256, FormMaker forms, string? without, string? @for) =>
                forms.SendAsync(context, sha256, FormMaker.AllModules, isFlat: true, without, @for))
            .WithSummary("Kernel and all its modules in one BTF, as libbpf's btf_custom_path takes it");
        group.MapMethods("/modules/{name}", BtfResponses.Methods, (HttpContext context, string sha256, string name, FormMaker forms, string? without, string? @for, string form = Split) =>
                form is Split or Flattened && name != FormMaker.AllModules
                    ? forms.SendAsync(context, sha256, name, form == Flattened, without, @for)
                    : Task.FromResult<IResult>(TypedResults.Problem($"'{name}' in the form '{form}' is none of a module: {Split} and {Flattened} are.", statusCode: StatusCodes.Status400BadRequest, title: "No such form")))
            .WithSummary("BTF of one module: split on its kernel's, or flattened with it");
    }
}

/// <summary>Makes and sends such forms.</summary>
public sealed class FormMaker(ICatalogue catalogue, IBlobStore blobs, DerivedForms derived)
{
    /// <summary>In place of a module's name, which it cannot be.</summary>
    internal const string AllModules = "*";

    private static readonly Dictionary<string, BtfNovelties> Names = new(StringComparer.OrdinalIgnoreCase)
    { ["float"] = BtfNovelties.Float, ["decl_tag"] = BtfNovelties.DeclTag, ["type_tag"] = BtfNovelties.TypeTag, ["enum64"] = BtfNovelties.Enum64 };

    /// <param name="module">Null for the kernel alone.</param>
    /// <param name="isFlat">One BTF with the kernel's; else split BTF, which is sent as it was archived.</param>
    public async Task<IResult> SendAsync(HttpContext context, string sha256, string? module, bool isFlat, string? without, string? @for)
    {
        if (NoveltiesOf(without, @for) is not { } novelties)
            return Wrong($"without is '{without}' and for '{@for}': without takes {string.Join(", ", Names.Keys)}, for a kernel's version such as 5.4.");
        if (novelties != BtfNovelties.None && module is not null && !isFlat)
            return Wrong("Split BTF refers to the kernel's by id, and is of use with the kernel's own alone: ask for form=flattened.");
        var record = (await catalogue.FindByDigestAsync(sha256.ToLowerInvariant(), context.RequestAborted)).FirstOrDefault(KernelIndex.IsServed);
        if (record?.Publication is not { } publication)
            return Unknown($"Nothing published has the digest {sha256}.");
        if (module is not null && (publication.Modules is null || !await HasAsync(publication, module, context.RequestAborted)))
            return Unknown($"The archive has no BTF of {(module == AllModules ? "modules" : $"a module '{module}'")} for {record.Build.Key}.");
        var name = $"{publication.Modules?.Sha256}.{module}.{isFlat}.{(int)novelties}";
        var (content, form) = await derived.OpenAsync(publication, name, kernel => MakeAsync(publication, kernel, module, isFlat, novelties), context.RequestAborted);
        return new StoredContent(content, form) { MediaType = BtfForm.Raw.MediaType(), CacheControl = BtfResponses.OfDigest, Modified = publication.PublishedAt, FileName = $"{(module is null or AllModules ? record.Build.Key.Uname : module)}.btf" };
    }

    private static BtfNovelties? NoveltiesOf(string? without, string? kernel)
    {
        var novelties = BtfNovelties.None;
        foreach (var name in (without ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Names.TryGetValue(name, out var novelty))
                return null;
            novelties |= novelty;
        }
        if (string.IsNullOrEmpty(kernel))
            return novelties;
        return Version.TryParse(kernel, out var version) ? novelties | BtfDownLevel.UnknownTo(version) : null;
    }

    private async Task<bool> HasAsync(Publication publication, string module, CancellationToken cancellation)
    {
        if (module == AllModules)
            return true;
        await using var tarball = await OpenModulesAsync(publication, cancellation);
        return BtfTarball.UnpackModules(tarball, name => name == module).Any();
    }

    private async Task<byte[]> MakeAsync(Publication publication, byte[] kernel, string? module, bool isFlat, BtfNovelties novelties)
    {
        if (module is not null)
        {
            await using var tarball = await OpenModulesAsync(publication, CancellationToken.None);
            var modules = BtfTarball.UnpackModules(tarball, name => module == AllModules || name == module).Select(m => m.Btf);
            kernel = isFlat ? Flatten(BtfBlob.Parse(kernel), modules) : modules.First();
        }
        return novelties == BtfNovelties.None ? kernel : BtfDownLevel.Without(BtfBlob.Parse(kernel), novelties);
    }

    private static byte[] Flatten(BtfBlob kernel, IEnumerable<byte[]> modules)
    {
        var merger = new BtfMerger(kernel);
        foreach (var module in modules)
            merger.Add(BtfBlob.Parse(module, kernel));
        return merger.Flatten();
    }

    private async Task<Stream> OpenModulesAsync(Publication publication, CancellationToken cancellation)
    {
        var key = BlobPaths.Modules(publication.Modules!.Sha256);
        return await blobs.OpenReadAsync(key, cancellation) ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");
    }

    private static IResult Wrong(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest, title: "Not a form");

    private static IResult Unknown(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status404NotFound, title: "No such BTF");
}
