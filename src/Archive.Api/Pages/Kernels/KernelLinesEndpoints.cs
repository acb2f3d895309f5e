using Archive.Api.Kernels;
using Archive.Api.Pages.Coverage;
using Archive.Store.Kernels;

namespace Archive.Api.Pages.Kernels;

/// <summary>A long list that belongs to a kernel, searched and in pages.</summary>
/// <param name="Part">config or modules, as the address has it.</param>
/// <param name="Text">What is searched for.</param>
/// <param name="Total">Lines of the whole list.</param>
/// <param name="Found">Those that have the text in them.</param>
/// <param name="RawSha256">Of the kernel's BTF.</param>
public sealed record KernelLinesModel(
    KernelKey Key, string Part, string? Text, int Total, int Found, IReadOnlyList<string> Lines, int Page, bool HasMore, string RawSha256);

/// <summary>A kernel's configuration and the names of its modules.</summary>
public static class KernelLinesEndpoints
{
    public const string Config = "config", Modules = "modules";
    private const int PageLength = 200, MaxText = 200;

    public static void MapKernelLines(this WebApplication app)
    {
        foreach (var part in (string[])[Config, Modules])
        {
            app.Pages().MapGet($"/kernels/{{distro}}/{{version}}/{{arch}}/{{uname}}/{part}", (HttpContext context, string distro, string version, string arch, string uname, KernelIndex index, KernelDetails details) =>
                GetAsync(context, KernelNames.Key(distro, version, arch, uname), part, index, details)).RequireRateLimiting(PagePolicy.Work);
        }
    }

    private static async Task<IResult> GetAsync(HttpContext context, KernelKey? key, string part, KernelIndex index, KernelDetails details)
    {
        var (cancellation, query) = (context.RequestAborted, context.Request.Query);
        if (key is null || (await index.BuildsAsync(key, cancellation)).FirstOrDefault(KernelIndex.IsServed)?.Publication is not { } publication)
            return Page.Problem(StatusCodes.Status404NotFound, "No such kernel here", "Nothing is published under this name.");
        var all = part == Config ? await details.ConfigAsync(publication, cancellation) : await details.ModulesAsync(publication, cancellation);
        if (query["format"] == "text")
            return TypedResults.Text(string.Concat(all.Select(line => line + "\n")), "text/plain; charset=utf-8");
        var (text, page) = (CoveragePageEndpoints.Text(query["q"])?.Trim(), CoveragePageEndpoints.PageOf(query));
        text = text?[..Math.Min(text.Length, MaxText)];
        var found = text is null ? all : [.. all.Where(line => line.Contains(text, StringComparison.OrdinalIgnoreCase))];
        var lines = found.Skip((page - 1) * PageLength).Take(PageLength).ToList();
        return Page.Of<KernelLinesPage>(new KernelLinesModel(key, part, text, all.Count, found.Count, lines, page, found.Count > page * PageLength, publication.Raw.Sha256));
    }
}
