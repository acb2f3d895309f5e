using Archive.Api.Kernels;
using Archive.Store.Blobs;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>
/// The tree of btfhub-archive: <c>/{distro}/{version}/{arch}/{uname}.btf.tar.xz</c>, the raw <c>.btf</c> and the provenance
/// <c>.btf.json</c>, under the root and under every prefix that clients have built in. Names are taken as clients spell them.
/// </summary>
public static class TreeEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static void MapTree(this WebApplication app, IEnumerable<string> prefixes)
    {
        foreach (var prefix in prefixes.Prepend(""))
        {
            app.MapMethods($"{prefix}/{{distro}}/{{version}}/{{arch}}/{{file}}", Methods, GetAsync)
                .WithTags("tree")
                .WithSummary("BTF of a kernel by its place in the tree")
                .ExcludeFromDescriptionWhen(prefix.Length > 0);
        }
    }

    private static async Task<IResult> GetAsync(
        HttpContext context, string distro, string version, string arch, string file,
        KernelIndex index, IBlobStore blobs, RawBtfCache raw)
    {
        if (Form(file) is not var (uname, form) || KernelNames.Key(distro, version, ArchOf(arch, uname), uname) is not { } key)
            return TypedResults.Problem($"'{file}' is no file of the tree: .btf.tar.xz, .btf and .btf.json are.", statusCode: StatusCodes.Status404NotFound, title: "No such form");
        var builds = await index.BuildsAsync(key, context.RequestAborted);
        if (builds.FirstOrDefault(KernelIndex.IsServed)?.Publication is not { } publication)
            return Miss.Of(context, key.ToString(), builds, await index.NearAsync(key.Distro, key.Version, key.Arch, key.Uname, 5, context.RequestAborted));
        return form switch
        {
            ".btf.tar.xz" => await BtfResponses.TarballAsync(context, blobs, publication, $"{key.Uname}.btf.tar.xz", immutable: false),
            ".btf" => await BtfResponses.RawAsync(context, raw, publication, $"{key.Uname}.btf", immutable: false),
            _ => await BtfResponses.ProvenanceAsync(context, blobs, publication, immutable: false),
        };
    }

    /// <summary>An arch suffix in the uname is the kernel's own word, and beats what the client put into the path.</summary>
    private static string ArchOf(string arch, string uname) => UnameText.ArchOfRelease(uname) ?? arch;

    private static (string Uname, string Form)? Form(string file)
    {
        foreach (var form in (ReadOnlySpan<string>)[".btf.tar.xz", ".btf.json", ".btf"])
        {
            if (file.EndsWith(form, StringComparison.Ordinal) && KernelNames.Uname(file[..^form.Length]) is { } uname)
                return (uname, form);
        }
        return null;
    }

    private static RouteHandlerBuilder ExcludeFromDescriptionWhen(this RouteHandlerBuilder route, bool condition) =>
        condition ? route.ExcludeFromDescription() : route;
}
