using Archive.Api.Admin;
using Archive.Crawler.Imports;

namespace Archive.Api.Endpoints;

/// <summary>
/// Imports as jobs. A place is a URL, or a path below the folder <c>import</c> of the data directory: what else is on the server's machine is
/// none of the business of who comes by HTTP.
/// </summary>
internal static class ImportEndpoints
{
    private const string Folder = "import";
    private const int MaxFindings = 100;

    public static void MapImports(this RouteGroupBuilder admin)
    {
        admin.MapPost("/import/tree", (string place, ArchiveImports imports, AdminJobs jobs, ApiOptions options) =>
                Start(jobs, "import-tree", place, options, (at, progress, stop) => TreeAsync(imports, at, progress, stop)))
            .WithSummary("Import the BTF of another archive, a tree as btfhub-archive's, tar of one or URL: a job").Answers();
        admin.MapPost("/import/list", (string place, string? arch, ArchiveImports imports, AdminJobs jobs, ApiOptions options) =>
                Start(jobs, "import-list", place, options, (at, _, stop) => ListAsync(imports, at, arch, stop)))
            .WithSummary("Record the kernels of a list of falcosecurity/kernel-crawler, for coverage: a job").Answers();
    }

    private static void Answers(this RouteHandlerBuilder route) => route.Produces<AdminJob>(StatusCodes.Status202Accepted)
        .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);

    private static IResult Start(AdminJobs jobs, string kind, string place, ApiOptions options, Func<string, Action<int>, CancellationToken, Task<AuditReport>> import)
    {
        string at;
        try
        {
            at = Resolve(place, options.DataDirectory);
        }
        catch (CrawlImportException e)
        {
            return TypedResults.Problem(e.Message, statusCode: StatusCodes.Status400BadRequest, title: "No such place");
        }
        var (job, isNew) = jobs.Start(kind, (progress, stop) => import(at, progress, stop));
        return isNew
            ? TypedResults.Accepted($"/v1/admin/jobs/{job.Id}", job)
            : TypedResults.Problem($"{job.Id} is running: see /v1/admin/jobs/{job.Id}, and ask again when it is done.", statusCode: StatusCodes.Status409Conflict, title: "An import is running");
    }

    /// <exception cref="CrawlImportException">There is nothing of the kind, or it is not below the folder.</exception>
    private static string Resolve(string place, string dataDirectory)
    {
        if (place.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || place.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
            return ImportPlace.Parse(place).Url!.AbsoluteUri;
        var root = Path.GetFullPath(Path.Combine(dataDirectory, Folder));
        var path = Path.GetFullPath(Path.Combine(root, place));
        return path == root || path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? ImportPlace.Parse(path).Path!
            : throw new CrawlImportException($"'{place}' is no URL, and not below the folder '{Folder}' of the data directory");
    }

    private static async Task<AuditReport> TreeAsync(ArchiveImports imports, string place, Action<int> progress, CancellationToken stop)
    {
        var report = await imports.TreeAsync(place, new Counter(progress), stop);
        var findings = report.Problems.Select(p => p.Split(": ", 2)).Select(p => new AuditFinding(p[0], p[^1]));
        return new AuditReport(report.Files, report.Refused, [.. findings], new Dictionary<string, int> { ["published"] = report.Published, ["present"] = report.Present });
    }

    private static async Task<AuditReport> ListAsync(ArchiveImports imports, string place, string? arch, CancellationToken stop)
    {
        var report = await imports.ListAsync(place, arch, stop);
        var findings = report.LeftOut.Take(MaxFindings).Select(name => new AuditFinding(name, "left out: it is no distro of this archive"));
        return new AuditReport(report.Kernels, report.LeftOut.Count, [.. findings], report.Distros);
    }

    /// <summary>Counts files where <see cref="TreeImport"/> names them.</summary>
    private sealed class Counter(Action<int> progress) : IProgress<string>
    {
        private int _count;

        public void Report(string value) => progress(++_count);
    }
}
