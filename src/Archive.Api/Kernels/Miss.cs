using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Archive.Api.Kernels;

/// <summary>Why there is no BTF to hand out, as a problem document with a <c>class</c> that programs can act on.</summary>
public static class Miss
{
    private static readonly TimeSpan NegativeCaching = TimeSpan.FromMinutes(1);

    /// <summary>For a kernel none of whose builds is served.</summary>
    public static ProblemHttpResult Of(HttpContext context, Resolution resolution, Surroundings around)
    {
        Cache(context);
        var what = NameOf(resolution.Question);
        var extensions = Nearest(around);
        if (resolution.Builds.Count == 0)
        {
            extensions["class"] = around.Elsewhere.Count > 0 ? "elsewhere" : "unknown";
            return TypedResults.Problem(Unknown(what, around), statusCode: StatusCodes.Status404NotFound, title: "Unknown kernel", extensions: extensions);
        }
        var newest = resolution.Builds[0];
        extensions["class"] = ClassOf(newest.Outcome);
        extensions["outcome"] = newest.Outcome.Text();
        extensions["package"] = $"{newest.Build.PackageName} {newest.Build.PackageVersion}";
        extensions["attempts"] = newest.Attempts;
        if (newest.RetryAt is { } retry)
            extensions["retry_at"] = retry;
        return TypedResults.Problem(DetailOf(what, newest), statusCode: StatusCodes.Status404NotFound, title: TitleOf(newest.Outcome), extensions: extensions);
    }

    /// <summary>
    /// For kernels of equal right with other contents. A 4xx, since old clients (<c>curl -f</c>) would keep the body of any
    /// other answer as if it were BTF.
    /// </summary>
    public static ProblemHttpResult Ambiguous(HttpContext context, Resolution resolution)
    {
        Cache(context);
        var extensions = new Dictionary<string, object?>
        {
            ["class"] = "ambiguous",
            ["candidates"] = resolution.Candidates.Select(c => new MissCandidate(PlaceOf(c.Kernel), c.Kernel.Btf!.Url, c.Score, c.Reasons)).ToArray(),
        };
        return TypedResults.Problem(
            $"{NameOf(resolution.Question)} is a kernel of {resolution.Candidates.Count} places, with different BTF. Say which, by distro and version or by build-id.",
            statusCode: StatusCodes.Status409Conflict, title: "Ambiguous", extensions: extensions);
    }

    private static void Cache(HttpContext context) =>
        context.Response.Headers.CacheControl = $"public, max-age={NegativeCaching.TotalSeconds:0}";

    internal static string NameOf(LookupQuestion question) =>
        question.Uname is null ? $"build-id {question.BuildId}"
        : string.Join('/', new[] { question.Distro, question.Version, question.Arch, question.Uname }.OfType<string>());

    private static string PlaceOf(KernelDocument kernel) => $"{kernel.Distro}/{kernel.Version}/{kernel.Arch}/{kernel.Uname}";

    private static Dictionary<string, object?> Nearest(Surroundings around)
    {
        var extensions = new Dictionary<string, object?>();
        if (around.Near.Count > 0)
            extensions["near"] = Places(around.Near);
        if (around.Elsewhere.Count > 0)
            extensions["elsewhere"] = Places(around.Elsewhere);
        if (around.LastCrawl is { } run)
            extensions["last_crawl"] = new MissCrawl(run.Source, run.Started, run.Finished, run.Result?.Error);
        return extensions;
    }

    private static string[] Places(IReadOnlyList<KernelRecord> records) => [.. records.Select(r => r.Build.Key.ToString()).Distinct()];

    internal static string Unknown(string what, Surroundings around) => around.Elsewhere.Count > 0
        ? $"{what} is not known, but its release is that of {around.Elsewhere[0].Build.Key}."
        : $"No crawled index has listed {what}.";

    private static string ClassOf(Outcome outcome) => outcome switch
    {
        Outcome.Pending => "pending",
        Outcome.Withdrawn => "withdrawn",
        Outcome.Native => "native",
        _ => "failed",
    };

    internal static string TitleOf(Outcome outcome) => outcome switch
    {
        Outcome.Pending => "Not converted yet",
        Outcome.Withdrawn => "Withdrawn",
        Outcome.Native => "Not needed",
        _ => "No BTF could be made",
    };

    internal static string DetailOf(string what, KernelRecord record) => record.Outcome switch
    {
        Outcome.Pending => $"{what} is known, and waits for its turn.",
        Outcome.Withdrawn => $"{what} was withdrawn: {record.Reason}",
        Outcome.Native => $"{what} has BTF of its own, in /sys/kernel/btf/vmlinux: {record.Reason}",
        _ => $"{what}: {record.Outcome.Text()}: {record.Reason}",
    };
}
