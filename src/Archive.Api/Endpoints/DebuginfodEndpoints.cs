using Archive.Api.Content;
using Archive.Api.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>debuginfod's section request, for the one section that is here: <c>/buildid/{hex}/section/.BTF</c> (proposed in libbpf#399).</summary>
public static class DebuginfodEndpoints
{
    public static void MapDebuginfod(this WebApplication app) =>
        app.MapMethods("/buildid/{id:regex(^[0-9a-fA-F]{{2,128}}$)}/section/.BTF", BtfResponses.Methods, GetAsync)
            .WithTags("compatibility")
            .WithSummary("Raw BTF by the kernel's build-id, as a debuginfod client asks");

    private static async Task<IResult> GetAsync(HttpContext context, string id, KernelResolver resolver, BtfResponses responses)
    {
        var question = new LookupQuestion(null, null, null, null, id.ToLowerInvariant(), []);
        var resolution = await resolver.FindAsync(question, context.RequestAborted);
        if (resolution.Record is not { } record)
            return await resolver.ExplainAsync(context, resolution);
        context.Response.Headers["X-DEBUGINFOD-SIZE"] = record.Publication!.Raw.Size.ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.Response.Headers["X-DEBUGINFOD-ARCHIVE"] = record.Build.PackageName;
        return await responses.SendAsync(context, record, BtfForm.Raw, immutable: false);
    }
}
