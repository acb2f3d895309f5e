using Archive.Api.Content;
using Archive.Api.Kernels;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>What a path of the tree stands for.</summary>
public sealed record ServedFile(KernelRecord Record, BtfForm Form);

/// <summary>
/// The tree of btfhub-archive: <c>/{distro}/{version}/{arch}/{uname}.btf.tar.xz</c>, and beside it the raw <c>.btf</c>, <c>.zst</c>, <c>.gz</c>,
/// <c>.elf</c> and the provenance <c>.json</c>, under the root and under every prefix that clients have built in. Names are taken
/// as clients spell them, and the version may be empty, as it is where os-release has none.
/// </summary>
public static class TreeEndpoints
{
    /// <summary>Stands for an empty version inside; no version is called so.</summary>
    private const string AnyVersion = "~";

    public static void MapTree(this WebApplication app, IEnumerable<string> prefixes)
    {
        foreach (var prefix in prefixes.Prepend(""))
        {
            app.MapMethods($"{prefix}/{{distro}}/{{version}}/{{arch}}/{{file}}", BtfResponses.Methods, GetAsync)
                .WithTags("tree")
                .WithSummary("BTF of a kernel by its place in the tree")
                .ExcludeFromDescriptionWhen(prefix.Length > 0);
        }
    }

    /// <summary>Routing does not match an empty segment: <c>debian//x86_64/…</c> is what a host without VERSION_ID asks for.</summary>
    public static void UseEmptyVersions(this WebApplication app) => app.Use((context, next) =>
    {
        if (context.Request.Path.Value is { } path && path.Contains("//", StringComparison.Ordinal))
            context.Request.Path = path.Replace("//", $"/{AnyVersion}/", StringComparison.Ordinal);
        return next(context);
    });

    private static async Task<IResult> GetAsync(
        HttpContext context, string distro, string version, string arch, string file, KeptAnswers<ServedFile> kept, KernelResolver resolver, BtfResponses responses)
    {
        var path = context.Request.Path.Value!;
        var (known, catalogue) = await kept.FindAsync(path, context.RequestAborted);
        if (known is not null)
            return await responses.SendAsync(context, known.Record, known.Form, immutable: false);
        if (BtfForms.OfFile(file) is not var (name, form))
            return NoFile($"'{file}' is no file of the tree: {BtfForms.AllExtensions} are.");
        // An arch suffix in the uname is the kernel's own word, and beats what the client put into the path.
        var release = KernelNames.Uname(name);
        var machine = release is null ? arch : UnameText.ArchOfRelease(release) ?? arch;
        var resolution = IsEmpty(version)
            ? await resolver.FindAsync(KernelNames.Distro(distro), KernelNames.Arch(machine), release, context.RequestAborted)
            : await resolver.FindAsync(KernelNames.Key(distro, version, machine, name), context.RequestAborted);
        if (resolution is null)
            return NoFile($"'{distro}/{version}/{arch}/{file}' cannot be a place in the tree.");
        if (resolution.Record is not { } record)
            return await resolver.ExplainAsync(context, resolution);
        kept.Keep(path, catalogue, new ServedFile(record, form));
        return await responses.SendAsync(context, record, form, immutable: false);
    }

    private static bool IsEmpty(string version) => version == AnyVersion || version.Trim('"', '\'').Length == 0;

    private static IResult NoFile(string detail) =>
        TypedResults.Problem(detail, statusCode: StatusCodes.Status404NotFound, title: "No such file");

    private static RouteHandlerBuilder ExcludeFromDescriptionWhen(this RouteHandlerBuilder route, bool condition) =>
        condition ? route.ExcludeFromDescription() : route;
}
