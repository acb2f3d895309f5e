using System.Text.Json;
using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>Which BTF is for this kernel? By uname or build-id, with whatever else the client knows of its host.</summary>
public static class LookupEndpoints
{
    /// <summary>Longer answers are rare and not kept, so that all take 20 MB as a rule and never more than 80.</summary>
    private const int MaxKeptBytes = 4096;

    public static void MapLookup(this WebApplication app) => app.MapGet("/v1/lookup", GetAsync)
        .AnswersSoon()
        .WithTags("lookup")
        .WithSummary("Ranked candidates for a kernel, each with its reasons")
        .WithDescription("uname takes `uname -r`, and also a pasted `uname -a` or /proc/version; os_release takes the text of /etc/os-release.")
        .Produces<LookupAnswer>()
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound);

    private static async Task<IResult> GetAsync(
        HttpContext context, KeptAnswers<byte[]> kept, KernelLookup lookup, KernelResolver resolver,
        string? uname, string? arch, string? distro, string? version, string? build_id, string? os_release)
    {
        var asked = context.Request.QueryString.Value ?? "";
        var (known, catalogue) = await kept.FindAsync(asked, context.RequestAborted);
        if (known is not null)
            return Found(context, known);
        var question = RawQuery.LiteralPlus(context.Request, "uname") is { Length: > 0 } literal && UnameText.Parse(literal) is { } text
            ? LookupQuestion.Of(text, arch, distro, version, build_id, os_release)
            : LookupQuestion.Parse(uname, arch, distro, version, build_id, os_release);
        if (question is null)
            return TypedResults.Problem("Give uname (a release, `uname -a` or /proc/version) or build_id.", statusCode: StatusCodes.Status400BadRequest, title: "Nothing to look up");
        var (answer, builds) = await lookup.FindAsync(question, context.RequestAborted);
        if (answer.Candidates.Count == 0)
            return await resolver.ExplainAsync(context, new Resolution(question, null, builds, []));
        var json = JsonSerializer.SerializeToUtf8Bytes(answer, ApiJson.Default.LookupAnswer);
        if (json.Length <= MaxKeptBytes)
            kept.Keep(asked, catalogue, json);
        return Found(context, json);
    }

    private static JsonAnswer Found(HttpContext context, byte[] json)
    {
        context.Response.Headers.CacheControl = "public, max-age=60";
        return new JsonAnswer(json);
    }
}
