using Archive.Api.Admin;
using Archive.Api.Kernels;
using Archive.Crawler;
using Archive.Crawler.Scheduling;
using Archive.Crawler.Sources;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Quartz;

namespace Archive.Api.Endpoints;

public sealed record AdminDone(string Done);

public sealed record AdminJobList(IReadOnlyList<AdminJob> Jobs);

public sealed record AuditLog(IReadOnlyList<AuditRecord> Entries);

/// <summary>What administrators do, each with a key of their own; every request that was let in is in the audit log.</summary>
public static class AdminEndpoints
{
    private const int MaxReason = 500;

    public static void MapAdmin(this WebApplication app, AdminKeys keys, OidcOptions oidc)
    {
        var tokens = oidc.Authority is null ? null : new OidcTokens(oidc);
        var group = app.MapGroup("/v1/admin").WithTags("admin").AddEndpointFilter((context, next) => AuthoriseAsync(keys, tokens, context, next))
            .ProducesProblem(StatusCodes.Status401Unauthorized)
            .ProducesProblem(StatusCodes.Status403Forbidden);
        group.MapPost("/crawls/{source}", CrawlNowAsync).WithSummary("Crawl a source now: as configured, or with release, arch, flavour, newest, uname, retry_failed of its own");
        group.MapPost("/kernels/{distro}/{version}/{arch}/{uname}/withdraw", WithdrawAsync).WithSummary("Withdraw a publication; reason is required, package_version says which build where there are several");
        group.MapPost("/kernels/{distro}/{version}/{arch}/{uname}/retry", RetryAsync).WithSummary("Let the next crawl try a failed kernel again");
        group.MapPost("/verify", (AdminJobs jobs, StoreAudit audit) => Start(jobs, "verify", audit.VerifyAsync)).WithSummary("Read every blob again and compare it with the catalogue: a job");
        group.MapPost("/reindex", (AdminJobs jobs, StoreAudit audit) => Start(jobs, "reindex", audit.ReindexAsync)).WithSummary("Write catalogue rows for what only the store knows: a job");
        group.MapImports();
        group.MapGet("/jobs", (AdminJobs jobs) => TypedResults.Ok(new AdminJobList(jobs.All()))).WithSummary("Jobs of this process, newest first");
        group.MapGet("/jobs/{id}", Results<Ok<AdminJob>, ProblemHttpResult> (string id, AdminJobs jobs) => jobs.Find(id) is { } job
            ? TypedResults.Ok(job)
            : TypedResults.Problem($"There is no job '{id}' in this process.", statusCode: StatusCodes.Status404NotFound, title: "No such job")).WithSummary("How far a job is, and what it found");
        group.MapGet("/audit", async (ICatalogue catalogue, CancellationToken cancellation, int limit = 100) =>
            TypedResults.Ok(new AuditLog(await catalogue.AuditsAsync(Math.Clamp(limit, 1, 1000), cancellation)))).WithSummary("What was done, newest first");
    }

    private static Accepted<AdminJob> Start(AdminJobs jobs, string kind, Func<Action<int>, CancellationToken, Task<AuditReport>> work)
    {
        var (job, _) = jobs.Start(kind, work);
        return TypedResults.Accepted($"/v1/admin/jobs/{job.Id}", job);
    }

    private static async ValueTask<object?> AuthoriseAsync(AdminKeys keys, OidcTokens? tokens, EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var (name, refusal) = await IdentifyAsync(keys, tokens, http);
        if (name is null)
            return refusal;
        if (!HttpMethods.IsGet(http.Request.Method))
            await http.RequestServices.GetRequiredService<ICatalogue>().AuditAsync(name, http.Request.Path.Value ?? "", http.Request.QueryString.Value ?? "", http.RequestAborted);
        return await next(context);
    }

    /// <returns>The administrator's name, or what to answer instead.</returns>
    private static async Task<(string? Name, IResult? Refusal)> IdentifyAsync(AdminKeys keys, OidcTokens? tokens, HttpContext http)
    {
        if (keys.NameOf(http.Request) is { } name)
            return (name, null);
        if (tokens is null || AdminKeys.BearerOf(http.Request) is not { } token || !OidcTokens.IsToken(token))
            return (null, Unauthorised(http, "Bearer", "Send a key of an administrator as 'Authorization: Bearer KEY'."));
        var (verdict, owner) = await tokens.JudgeAsync(token, http.RequestAborted);
        return verdict switch
        {
            TokenVerdict.Administrator => ("oidc:" + owner, null),
            TokenVerdict.NoRole => (null, TypedResults.Problem("The token is genuine, but its owner has not the role of an administrator.", statusCode: StatusCodes.Status403Forbidden, title: "No administrator")),
            TokenVerdict.NoIssuer => (null, TypedResults.Problem("The issuer of tokens does not answer.", statusCode: StatusCodes.Status503ServiceUnavailable, title: "No issuer")),
            _ => (null, Unauthorised(http, "Bearer error=\"invalid_token\"", "The token is expired, for another service, or not of the issuer.")),
        };
    }

    private static ProblemHttpResult Unauthorised(HttpContext http, string challenge, string detail)
    {
        http.Response.Headers.WWWAuthenticate = challenge;
        return TypedResults.Problem(detail, statusCode: StatusCodes.Status401Unauthorized, title: "Not authorised");
    }

    private static Task<IResult> CrawlNowAsync(
        HttpContext context, string source, [FromQuery] string[]? release, [FromQuery] string[]? arch, [FromQuery] string[]? flavour, int? newest, string? uname, bool retry_failed = false)
    {
        var crawl = new ManualCrawl
        {
            Releases = release ?? [],
            Arches = arch ?? [],
            Flavours = flavour ?? [],
            Newest = newest,
            UnamePattern = RawQuery.LiteralPlus(context.Request, "uname") ?? uname,
            RetryFailed = retry_failed,
        };
        return CrawlAsync(source, crawl, context.RequestServices, context.RequestAborted);
    }

    /// <summary>Starts the crawl of a source, as configured.</summary>
    internal static Task<IResult> CrawlAsync(string source, IServiceProvider services, CancellationToken cancellation) =>
        CrawlAsync(source, new ManualCrawl(), services, cancellation);

    private static async Task<IResult> CrawlAsync(string source, ManualCrawl crawl, IServiceProvider services, CancellationToken cancellation)
    {
        if (services.GetKeyedService<ISchedulerFactory>(CrawlerRegistration.SchedulerName) is not { } schedulers)
            return TypedResults.Problem("This process does not crawl (Roles:Crawler).", statusCode: StatusCodes.Status409Conflict, title: "No crawler");
        var files = services.GetRequiredService<SourceFiles>();
        if (files.Find(source) is not { } definition)
            return TypedResults.Problem($"'{source}' is no source: {string.Join(", ", files.All.Select(s => s.Id))} are.", statusCode: StatusCodes.Status404NotFound, title: "No such source");
        if (crawl.ProblemWith(definition) is { } problem)
            return TypedResults.Problem(problem, statusCode: StatusCodes.Status400BadRequest, title: "No such crawl");
        var scheduler = await schedulers.GetScheduler(cancellation);
        await scheduler.TriggerJob(new JobKey(definition.Id, "crawl"), crawl.ToData(), cancellation);
        return TypedResults.Accepted($"/v1/sources/{definition.Id}", new AdminDone($"crawl of {definition.Id} is started"));
    }

    private static async Task<IResult> WithdrawAsync(
        HttpContext context, string distro, string version, string arch, string uname, KernelIndex index, Withdrawals withdrawals, string? reason, string? package_version)
    {
        if (string.IsNullOrWhiteSpace(reason) || reason.Length > MaxReason)
            return TypedResults.Problem($"Give a reason of 1 to {MaxReason} characters.", statusCode: StatusCodes.Status400BadRequest, title: "No reason");
        var version_ = RawQuery.LiteralPlus(context.Request, "package_version") ?? package_version;
        var builds = await BuildsAsync(index, distro, version, arch, uname, KernelIndex.IsServed, version_, context.RequestAborted);
        if (builds.Count != 1)
            return Count(builds, "published");
        await withdrawals.WithdrawAsync(builds[0], reason, context.RequestAborted);
        return TypedResults.Ok(new AdminDone($"{builds[0].Build.Key} ({builds[0].Build.PackageVersion}) is withdrawn"));
    }

    private static Task<IResult> RetryAsync(
        HttpContext context, string distro, string version, string arch, string uname, KernelIndex index, ICatalogue catalogue, TimeProvider clock, string? package_version) =>
        RetryBuildAsync(distro, version, arch, uname, RawQuery.LiteralPlus(context.Request, "package_version") ?? package_version, index, catalogue, clock, context.RequestAborted);

    /// <param name="packageVersion">Which build, where several have failed.</param>
    internal static async Task<IResult> RetryBuildAsync(
        string distro, string version, string arch, string uname, string? packageVersion, KernelIndex index, ICatalogue catalogue, TimeProvider clock, CancellationToken cancellation)
    {
        var builds = await BuildsAsync(index, distro, version, arch, uname, r => r is { Publication: null, Outcome: not (Outcome.Pending or Outcome.Withdrawn) }, packageVersion, cancellation);
        if (builds.Count != 1)
            return Count(builds, "failed");
        await catalogue.RetryAsync(builds[0].Build, clock.GetUtcNow(), cancellation);
        return TypedResults.Ok(new AdminDone($"{builds[0].Build.Key} ({builds[0].Build.PackageVersion}) is tried again by the next crawl"));
    }

    private static async Task<IReadOnlyList<KernelRecord>> BuildsAsync(
        KernelIndex index, string distro, string version, string arch, string uname, Func<KernelRecord, bool> wanted, string? packageVersion, CancellationToken cancellation) =>
        KernelNames.Key(distro, version, arch, uname) is { } key
            ? [.. (await index.BuildsAsync(key, cancellation)).Where(r => wanted(r) && (packageVersion is null || r.Build.PackageVersion == packageVersion))]
            : [];

    private static IResult Count(IReadOnlyList<KernelRecord> builds, string state) => builds.Count == 0
        ? TypedResults.Problem($"No such build is {state}.", statusCode: StatusCodes.Status404NotFound, title: "No such build")
        : TypedResults.Problem($"Several builds are {state}: say which by package_version ({string.Join(", ", builds.Select(b => b.Build.PackageVersion))}).", statusCode: StatusCodes.Status409Conflict, title: "Ambiguous");
}
