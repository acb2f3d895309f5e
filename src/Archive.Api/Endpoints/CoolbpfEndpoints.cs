using Archive.Api.Content;
using Archive.Api.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>
/// OpenAnolis' coolbpf: <c>/coolbpf/btf/{arch}/vmlinux-{uname}</c>, an ELF file with a section <c>.BTF</c>. There is no distro in
/// the path; where the name alone does not decide between kernels, the answer says so instead of guessing.
/// </summary>
public static class CoolbpfEndpoints
{
    public static void MapCoolbpf(this WebApplication app, IEnumerable<string> prefixes)
    {
        foreach (var prefix in prefixes)
        {
            app.MapMethods($"{prefix}/{{arch}}/vmlinux-{{uname}}", BtfResponses.Methods, GetAsync)
                .WithTags("compatibility")
                .WithSummary("BTF as an ELF file, by arch and uname, as coolbpf's clients ask");
        }
    }

    private static async Task<IResult> GetAsync(HttpContext context, string arch, string uname, KernelResolver resolver, BtfResponses responses)
    {
        if (LookupQuestion.Parse(uname, arch, null, null, null, null) is not { } question)
            return TypedResults.Problem($"'{uname}' cannot be a kernel's release.", statusCode: StatusCodes.Status404NotFound, title: "No such file");
        var resolution = await resolver.FindAsync(question, context.RequestAborted);
        return resolution.Record is { } record
            ? await responses.SendAsync(context, record, BtfForm.Elf, immutable: false)
            : await resolver.ExplainAsync(context, resolution);
    }
}
