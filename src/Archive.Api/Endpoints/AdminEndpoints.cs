using Archive.Api.Admin;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
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
        group.MapPost("/crawls/{source}", CrawlAsync).WithSummary("Start the scheduled crawl of a source now");
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

    internal static async Task<IResult> CrawlAsync(string source, IServiceProvider services, CancellationToken cancellation)
    {
        if (services.GetService<ISchedulerFactory>() is not { } schedulers)
            return TypedResults.Problem("This process does not crawl (Roles:Crawler).", statusCode: StatusCodes.Status409Conflict, title: "No crawler");
        var scheduler = await schedulers.GetScheduler(cancellation);
        var job = new JobKey(source, "crawl");
        if (!await scheduler.Exists(job, cancellation))
            return TypedResults.Problem($"'{source}' is no source that is crawled here.", statusCode: StatusCodes.Status404NotFound, title: "No such source");
        await scheduler.TriggerJob(job, cancellation);
        return TypedResults.Accepted("/v1/runs", new AdminDone($"crawl of {source} is started"));
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
