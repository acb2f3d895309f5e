using Archive.Api.Admin;
using Archive.Api.Kernels;
using Archive.Crawler;
using Archive.Crawler.Scheduling;
using Archive.Crawler.Sources;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Microsoft.AspNetCore.Mvc;
using Quartz;

namespace Archive.Api.Endpoints;

public sealed record AdminDone(string Done);

public sealed record AuditLog(IReadOnlyList<AuditRecord> Entries);

/// <summary>What administrators do, each with a key of their own; every request that was let in is in the audit log.</summary>
public static class AdminEndpoints
{
    private const int MaxReason = 500;

    public static void MapAdmin(this WebApplication app, AdminKeys keys)
    {
        var group = app.MapGroup("/v1/admin").WithTags("admin").AddEndpointFilter((context, next) => AuthoriseAsync(keys, context, next))
            .ProducesProblem(StatusCodes.Status401Unauthorized);
        group.MapPost("/crawls/{source}", CrawlNowAsync).WithSummary("Crawl a source now: as configured, or with release, arch, flavour, newest, uname, retry_failed of its own");
        group.MapPost("/kernels/{distro}/{version}/{arch}/{uname}/withdraw", WithdrawAsync).WithSummary("Withdraw a publication; reason is required, package_version says which build where there are several");
        group.MapPost("/kernels/{distro}/{version}/{arch}/{uname}/retry", RetryAsync).WithSummary("Let the next crawl try a failed kernel again");
        group.MapPost("/verify", async (StoreAudit audit, CancellationToken cancellation) => TypedResults.Ok(await audit.VerifyAsync(cancellation))).WithSummary("Read every blob again and compare it with the catalogue");
        group.MapPost("/reindex", async (StoreAudit audit, CancellationToken cancellation) => TypedResults.Ok(await audit.ReindexAsync(cancellation))).WithSummary("Write catalogue rows for what only the store knows");
        group.MapGet("/audit", async (ICatalogue catalogue, CancellationToken cancellation, int limit = 100) =>
            TypedResults.Ok(new AuditLog(await catalogue.AuditsAsync(Math.Clamp(limit, 1, 1000), cancellation)))).WithSummary("What was done, newest first");
    }

    private static async ValueTask<object?> AuthoriseAsync(AdminKeys keys, EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (keys.NameOf(http.Request) is not { } name)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
            return TypedResults.Problem("Send a key of an administrator as 'Authorization: Bearer KEY'.", statusCode: StatusCodes.Status401Unauthorized, title: "Not authorised");
        }
        if (!HttpMethods.IsGet(http.Request.Method))
            await http.RequestServices.GetRequiredService<ICatalogue>().AuditAsync(name, http.Request.Path.Value ?? "", http.Request.QueryString.Value ?? "", http.RequestAborted);
        return await next(context);
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
