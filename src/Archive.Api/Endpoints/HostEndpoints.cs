using System.Globalization;
using System.Text;
using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Store.Kernels;
using Archive.Store.Trust;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Archive.Api.Endpoints;

/// <summary>
/// What <c>/v1/lookup</c> knows, for shell scripts: lines of name and value, with status 200 whatever the answer is (busybox's wget drops the
/// body of an error), and signed, so that one small request tells a host what to fetch and that the archive stands behind it.
/// <code>
/// btf-archive answer
/// class: found | ambiguous | unknown | elsewhere | pending | failed | withdrawn | native
/// kernel: debian/12/x86_64/6.1.0-56-cloud-amd64      if found, as all down to key
/// build-id: HEX                                      if it is known
/// btf: SHA256 SIZE /v1/btf/SHA256                    raw
/// tarball: SHA256 SIZE /v1/btf/SHA256
/// key: ID
/// candidate: PLACE SHA256                            if ambiguous, one for each
/// detail: TEXT                                       if not found: why
/// signature: BASE64                                  if found: Ed25519 on all the lines before
/// </code>
/// </summary>
public static class HostEndpoints
{
    private const string Title = "btf-archive answer\n", Text = "text/plain; charset=utf-8";

    public static void MapHosts(this WebApplication app) => app.MapGet("/v1/host", GetAsync)
        .AnswersSoon()
        .WithTags("lookup")
        .WithSummary("The one kernel that a host asks for, as signed lines of text for shell scripts")
        .WithDescription("Parameters are those of /v1/lookup. The status is 200 also where there is no BTF; the class tells.")
        .Produces<string>(StatusCodes.Status200OK, "text/plain")
        .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<IResult> GetAsync(
        HttpContext context, KernelResolver resolver, SigningKeys keys, string? uname, string? arch, string? distro, string? version, string? build_id)
    {
        var release = RawQuery.LiteralPlus(context.Request, "uname") ?? uname;
        if (LookupQuestion.Parse(release, arch, distro, version, build_id, null) is not { } question)
            return TypedResults.Problem("Give uname or build_id.", statusCode: StatusCodes.Status400BadRequest, title: "Nothing to look up");
        var resolution = await resolver.FindAsync(question, context.RequestAborted);
        context.Response.Headers.CacheControl = "public, max-age=60";
        return TypedResults.Text(
            resolution.Record is { } record ? Found(record, keys.Current()) : Missed(await resolver.ExplainAsync(context, resolution), resolution.Candidates), Text);
    }

    private static string Found(KernelRecord record, Ed25519PrivateKey key)
    {
        var publication = record.Publication!;
        var answer = new StringBuilder($"{Title}class: found\nkernel: {record.Build.Key}\n");
        if (publication.BuildId is { } id)
            answer.Append(CultureInfo.InvariantCulture, $"build-id: {id}\n");
        answer.Append(CultureInfo.InvariantCulture, $"btf: {FormLine(publication.Raw)}\ntarball: {FormLine(publication.Tarball)}\nkey: {key.PublicKey.Id}\n");
        var signature = key.Sign(Encoding.UTF8.GetBytes(answer.ToString()));
        return answer.Append(CultureInfo.InvariantCulture, $"signature: {Convert.ToBase64String(signature)}\n").ToString();
    }

    private static string FormLine(StoredForm form) => string.Create(CultureInfo.InvariantCulture, $"{form.Sha256} {form.Size} /v1/btf/{form.Sha256}");

    /// <summary>The same words as in the problem document.</summary>
    private static string Missed(IResult explanation, IReadOnlyList<LookupCandidate> candidates)
    {
        var problem = ((ProblemHttpResult)explanation).ProblemDetails;
        var answer = new StringBuilder($"{Title}class: {problem.Extensions["class"]}\n");
        foreach (var kernel in candidates.Select(candidate => candidate.Kernel))
            answer.Append(CultureInfo.InvariantCulture, $"candidate: {kernel.Distro}/{kernel.Version}/{kernel.Arch}/{kernel.Uname} {kernel.Btf!.Sha256}\n");
        return answer.Append(CultureInfo.InvariantCulture, $"detail: {OneLine(problem.Detail)}\n").ToString();
    }

    private static string OneLine(string? text) => (text ?? "").ReplaceLineEndings(" ");
}
