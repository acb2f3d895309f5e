using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Store.Kernels;
using Btf.Format;

namespace Archive.Api.Endpoints;

/// <summary>A kernel's place as a request names it.</summary>
internal sealed record PlaceOfKernel(string Distro, string Version, string Arch, string Uname)
{
    /// <summary>Null where a name is empty or unsafe.</summary>
    public KernelKey? Key => KernelNames.Key(Distro, Version, Arch, Uname);

    public static PlaceOfKernel Parse(string? text) => (text ?? "").Split('/') is [var distro, var version, var arch, var uname]
        ? new(distro, version, arch, uname)
        : throw new BadHttpRequestException($"'{text}' is no kernel: distro/version/arch/uname.");

    public static BadHttpRequestException NotAPlace() => new("Not a kernel's name: distro/version/arch/uname.");
}

/// <summary>
/// Answers questions to one kernel. Conditions come first; then a place at the gate, since an answer of some MB is made in memory and keeps
/// a core busy for up to a second.
/// </summary>
internal sealed class KernelReader(KernelResolver resolver, WarmKernels kernels, ObjectGate gate)
{
    public Task<IResult> AnswerAsync(HttpContext context, PlaceOfKernel place, string question, Func<BtfBlob, Answer?> answer) =>
        AnswerAsync(context, place, question, (blob, _) => Task.FromResult(answer(blob)));

    /// <param name="question">What makes one answer of this kernel another than the next.</param>
    /// <param name="answer">Null where the kernel has nothing of the kind.</param>
    public async Task<IResult> AnswerAsync(HttpContext context, PlaceOfKernel place, string question, Func<BtfBlob, Publication, Task<Answer?>> answer)
    {
        var resolution = await resolver.FindAsync(place.Key, context.RequestAborted) ?? throw PlaceOfKernel.NotAPlace();
        if (resolution.Record is not { Publication: { } publication })
            return await resolver.ExplainAsync(context, resolution);
        if (TypeEndpoints.IsKnown(context, TypeEndpoints.TagOf($"{publication.Tarball.Sha256}\n{question}"), out var known))
            return known;
        using var _ = await gate.EnterAsync(context);
        using var opened = await kernels.OpenAsync(publication, context.RequestAborted);
        if (await answer(opened.Blob, publication) is not { } made)
            return Missing(context, place);
        return TypedResults.Text(made.Body, made.MediaType);
    }

    private static IResult Missing(HttpContext context, PlaceOfKernel place)
    {
        context.Response.Headers.ETag = default;
        return TypedResults.Problem($"{place.Key} has nothing of this name.", statusCode: StatusCodes.Status404NotFound, title: "No such name");
    }
}
