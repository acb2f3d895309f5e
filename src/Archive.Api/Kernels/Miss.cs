using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Archive.Api.Kernels;

/// <summary>Why there is no BTF to hand out, as a problem document with a <c>class</c> that programs can act on.</summary>
public static class Miss
{
    private static readonly TimeSpan NegativeCaching = TimeSpan.FromMinutes(1);

    /// <summary>For a kernel of which these builds are known, newest first; none of them is served.</summary>
    public static ProblemHttpResult Of(HttpContext context, string what, IReadOnlyList<KernelRecord> builds, IReadOnlyList<KernelRecord> near)
    {
        context.Response.Headers.CacheControl = $"public, max-age={NegativeCaching.TotalSeconds:0}";
        var extensions = new Dictionary<string, object?>();
        if (near.Count > 0)
            extensions["near"] = near.Select(r => r.Build.Key.ToString()).Distinct().ToArray();
        if (builds.Count == 0)
        {
            extensions["class"] = "unknown";
            return TypedResults.Problem($"No crawled index has listed {what}.", statusCode: StatusCodes.Status404NotFound, title: "Unknown kernel", extensions: extensions);
        }
        var newest = builds[0];
        extensions["class"] = ClassOf(newest.Outcome);
        extensions["outcome"] = newest.Outcome.Text();
        extensions["package"] = $"{newest.Build.PackageName} {newest.Build.PackageVersion}";
        extensions["attempts"] = newest.Attempts;
        if (newest.RetryAt is { } retry)
            extensions["retry_at"] = retry;
        return TypedResults.Problem(DetailOf(what, newest), statusCode: StatusCodes.Status404NotFound, title: TitleOf(newest.Outcome), extensions: extensions);
    }

    private static string ClassOf(Outcome outcome) => outcome switch
    {
        Outcome.Pending => "pending",
        Outcome.Withdrawn => "withdrawn",
        _ => "failed",
    };

    private static string TitleOf(Outcome outcome) => outcome switch
    {
        Outcome.Pending => "Not converted yet",
        Outcome.Withdrawn => "Withdrawn",
        _ => "No BTF could be made",
    };

    private static string DetailOf(string what, KernelRecord record) => record.Outcome switch
    {
        Outcome.Pending => $"{what} is known, and waits for its turn.",
        Outcome.Withdrawn => $"{what} was withdrawn: {record.Reason}",
        _ => $"{what}: {record.Outcome.Text()}: {record.Reason}",
    };
}
