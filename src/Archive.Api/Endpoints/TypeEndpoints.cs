using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Archive.Api.Content;
using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Store.Catalogue;
using Btf.Format;
using Btf.Text;
using Btf.Text.Changes;
using Btf.Text.CSource;
using Btf.Text.Layout;

namespace Archive.Api.Endpoints;

/// <summary>
/// What is in a kernel: <c>vmlinux.h</c>, a type, a function, what changed from one kernel to another, offsets over many. Each answer is made of
/// BTF by its digest, so that the digests, the question and this program make the ETag, and who has the answer costs nothing.
/// </summary>
public static class TypeEndpoints
{
    private const int MaxPaths = 64;
    private const int MaxNameLength = 512;
    private const string Json = "application/json", Text = "text/plain; charset=utf-8", Markdown = "text/markdown; charset=utf-8", C = "text/x-c; charset=utf-8";

    private static readonly string Program = typeof(BtfBlob).Module.ModuleVersionId.ToString("n");

    public static void MapTypes(this WebApplication app)
    {
        var kernel = app.MapGroup("/v1/kernels/{distro}/{version}/{arch}/{uname}").WithTags("types").RequireRateLimiting(ObjectServices.Policy);
        Described(kernel.MapMethods("/vmlinux.h", BtfResponses.Methods, HeaderAsync), C, "C header of every type and kfunc, as bpftool writes it");
        Described(kernel.MapMethods("/types/{name}", BtfResponses.Methods, TypeAsync), Json, "Types of a name with their layout; format: json, text")
            .WithDescription("'struct NAME', 'union NAME', 'enum NAME' and 'typedef NAME' mean that kind alone. text is what pahole prints.");
        Described(kernel.MapMethods("/functions/{name}", BtfResponses.Methods, FunctionAsync), Json, "Prototypes of a function, and where it is declared, inlined or cloned");
        Described(kernel.MapMethods("/inventory", BtfResponses.Methods, InventoryAsync), "application/x-xz", "Functions, symbols and tracepoints that the debug information told of");
        Described(kernel.MapMethods("/diff", BtfResponses.Methods, DiffAsync), Json, "Types and functions that were added, removed and changed; format: json, md, text")
            .WithDescription("with: the other kernel, as distro/version/arch/uname. It is the newer one.");
        Described(app.MapMethods("/v1/offsets", BtfResponses.Methods, OffsetsAsync).WithTags("types").RequireRateLimiting(ObjectServices.Policy), Json, "Offsets of fields in the selected kernels; format: json, c")
            .WithDescription("of, several times: struct.member[.member…], alternatives behind '|'. distro, version, arch, uname, since, until, lacks_btf select kernels.");
    }

    private static RouteHandlerBuilder Described(RouteHandlerBuilder route, string type, string summary) => route
        .WithSummary(summary)
        .Produces(StatusCodes.Status200OK, contentType: type)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status429TooManyRequests);

    private static Task<IResult> HeaderAsync(HttpContext context, string distro, string version, string arch, string uname, KernelReader reader) =>
        reader.AnswerAsync(context, new(distro, version, arch, uname), "vmlinux.h", blob =>
        {
            using var text = new StringWriter();
            CDump.Write(blob, text);
            return new Answer(C, text.ToString());
        });

    private static Task<IResult> TypeAsync(HttpContext context, string distro, string version, string arch, string uname, string name, KernelReader reader)
    {
        var format = FormatOf(context, "json", "text");
        return reader.AnswerAsync(context, new(distro, version, arch, uname), $"type {format} {Checked(name)}", blob =>
        {
            var types = TypeDescription.Find(blob, name);
            if (types.Count == 0)
                return null;
            using var text = new StringWriter();
            foreach (var type in types)
                type.Write(text);
            return format == "text" ? new Answer(Text, text.ToString()) : JsonOf(new TypesDocument(name, types), TextJson.Default.TypesDocument);
        });
    }

    private static async Task<IResult> FunctionAsync(HttpContext context, string distro, string version, string arch, string uname, string name, KernelReader reader, Inventories inventories)
    {
        Checked(name);
        return await reader.AnswerAsync(context, new(distro, version, arch, uname), $"function {name}", async (blob, publication) =>
        {
            var document = FunctionDocument.Of(
                name, [.. TypeDescription.Find(blob, name).Where(type => type.Kind == "FUNC")], await inventories.ReadAsync(publication, context.RequestAborted));
            return document.Attachable || document.Places is { Count: > 0 } ? JsonOf(document, ApiJson.Default.FunctionDocument) : null;
        });
    }

    private static async Task<IResult> InventoryAsync(HttpContext context, string distro, string version, string arch, string uname, KernelResolver resolver, Inventories inventories)
    {
        var resolution = await resolver.FindAsync(new PlaceOfKernel(distro, version, arch, uname).Key, context.RequestAborted);
        if (resolution is not { Record.Publication: { } publication })
            return await resolver.ExplainAsync(context, resolution ?? throw PlaceOfKernel.NotAPlace());
        return await inventories.OpenAsync(publication, context.RequestAborted) is { } stored
            ? TypedResults.Stream(stored, "application/x-xz", $"{uname}.inventory.xz", publication.PublishedAt, new($"\"{publication.Tarball.Sha256}-inventory\""))
            : TypedResults.Problem("No debug information was at hand when this kernel was archived.", statusCode: StatusCodes.Status404NotFound, title: "No inventory");
    }

    private static async Task<IResult> DiffAsync(
        HttpContext context, string distro, string version, string arch, string uname, string? with, KernelReader reader, KernelResolver resolver, WarmKernels kernels, KernelInventories inventories)
    {
        var format = FormatOf(context, "json", "md", "text");
        var other = PlaceOfKernel.Parse(RawQuery.LiteralPlus(context.Request, "with") ?? with);
        var right = await resolver.FindAsync(other.Key, context.RequestAborted) ?? throw PlaceOfKernel.NotAPlace();
        if (right.Record is not { Publication: { } rightPublication } rightRecord)
            return await resolver.ExplainAsync(context, right);
        PlaceOfKernel place = new(distro, version, arch, uname);
        return await reader.AnswerAsync(context, place, $"diff {format} {rightPublication.Raw.Sha256}", async (blob, _) =>
        {
            using var opened = await kernels.OpenAsync(rightPublication, context.RequestAborted);
            var changes = KernelComparison.Compare(blob, opened.Blob, place.Key!.ToString(), rightRecord.Build.Key.ToString());
            var functions = await inventories.FindAsync(rightPublication, context.RequestAborted);
            return Written(functions is null ? changes : changes.Explained(functions.Explain), format);
        });
    }

    private static Answer Written(KernelChanges changes, string format)
    {
        if (format == "json")
            return JsonOf(changes, TextJson.Default.KernelChanges);
        using var text = new StringWriter();
        if (format == "md")
            ChangesWriter.WriteMarkdown(changes, text);
        else
            ChangesWriter.WriteText(changes, text);
        return new Answer(format == "md" ? Markdown : Text, text.ToString());
    }

    private static async Task<IResult> OffsetsAsync(HttpContext context, ICatalogue catalogue, KernelMinimizer kernels, ObjectGate gate)
    {
        var paths = PathsOf(context.Request);
        var format = FormatOf(context, "json", "c");
        var selected = await KernelSelection.Parse(context.Request).ListAsync(catalogue, context.RequestAborted);
        if (selected.Count == 0)
            return TypedResults.Problem("No published kernel is selected.", statusCode: StatusCodes.Status404NotFound);
        var question = string.Join('\n', [format, .. paths.Select(path => path.Text), .. selected.Select(kernel => $"{kernel.Key} {kernel.Publication.Raw.Sha256}")]);
        if (IsKnown(context, TagOf(question), out var known))
            return known;
        using var _ = await gate.EnterAsync(context);
        await new KernelOffsetTable(kernels, paths, format).WriteAsync(context.Response, selected, context.RequestAborted);
        return Results.Empty;
    }

    private static List<FieldPath> PathsOf(HttpRequest request)
    {
        var texts = request.Query["of"];
        if (texts.Count is 0 or > MaxPaths)
            throw new BadHttpRequestException($"Give of=struct.member, one to {MaxPaths} times.");
        try
        {
            return [.. texts.Select(text => FieldPath.Parse(text ?? ""))];
        }
        catch (FormatException problem)
        {
            throw new BadHttpRequestException(problem.Message, problem);
        }
    }

    /// <summary>Asked for by <c>format</c>, else by Accept; the first is the usual one.</summary>
    private static string FormatOf(HttpContext context, params string[] formats)
    {
        var format = context.Request.Query["format"].ToString();
        var accepted = context.Request.Headers.Accept.ToString();
        if (format.Length == 0)
            format = accepted.StartsWith("text/plain", StringComparison.OrdinalIgnoreCase) && formats.Contains("text") ? "text" : formats[0];
        return formats.Contains(format) ? format : throw new BadHttpRequestException($"format is '{format}'; it is {string.Join(" or ", formats)}.");
    }

    private static string Checked(string name) => name.Length <= MaxNameLength ? name
        : throw new BadHttpRequestException($"A name of {name.Length} characters; {MaxNameLength} are the most.");

    private static Answer JsonOf<T>(T document, JsonTypeInfo<T> type) => new(Json, JsonSerializer.Serialize(document, type) + "\n");

    internal static string TagOf(string question) => $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Program}\n{question}")))}\"";

    /// <summary>Writes the headers of caches, and whether the client has what it asks for.</summary>
    internal static bool IsKnown(HttpContext context, string tag, out IResult answer)
    {
        var status = Conditions.Check(context.Request, tag, null);
        answer = TypedResults.StatusCode(status);
        context.Response.Headers.ETag = tag;
        context.Response.Headers.CacheControl = "public, max-age=300, stale-while-revalidate=3600, stale-if-error=86400";
        return status != StatusCodes.Status200OK;
    }
}

/// <summary>What is sent.</summary>
internal sealed record Answer(string MediaType, string Body);
