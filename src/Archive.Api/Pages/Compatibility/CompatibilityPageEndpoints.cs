using System.Text.Json;
using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Api.Pages.Coverage;
using Archive.Api.Pages.Types;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Btf.CoRe;
using Btf.CoRe.Compatibility;
using Btf.Text.Layout;
using Microsoft.AspNetCore.Mvc;

namespace Archive.Api.Pages.Compatibility;

/// <summary>Drop objects, choose kernels, see on which they load, and why not on the others.</summary>
public static class CompatibilityPageEndpoints
{
    private const int RowPage = 60, FindingPage = 40, MaxKernels = 2000;
    private const string Flavour = "___";

    public static void MapCompatibilityPages(this WebApplication app, ObjectOptions options)
    {
        app.Pages().MapGet("/compat", async (KernelRoster rosters, ObjectOptions limits, CancellationToken cancellation) => Start((await rosters.GetAsync(cancellation)), limits, null));
        app.Pages().MapPost("/compat", PostAsync).FromHere().WithMetadata(new RequestSizeLimitAttribute(options.MaxRequestBytes + (1 << 20))).DisableAntiforgery().RequireRateLimiting(ObjectServices.Policy);
        app.Pages().MapGet("/compat/{id}", async (HttpContext context, string id, CompatibilityRuns runs, TimeProvider clock) =>
            await runs.FindAsync(id, context.RequestAborted) is { } run ? Show(run, context.Request.Query, clock) : Gone());
        app.Pages().MapGet("/compat/{id}/{item:int}/{result:int}", async (HttpContext context, string id, int item, int result, CompatibilityRuns runs) =>
            Explain(await runs.FindAsync(id, context.RequestAborted), item, result, CoveragePageEndpoints.PageOf(context.Request.Query)));
        app.Pages().MapGet("/compat/{id}/{item:int}/layouts", LayoutsAsync).RequireRateLimiting(PagePolicy.Work);
        app.Pages().MapGet("/compat/{id}/report.json", async (HttpContext context, string id, CompatibilityRuns runs) => await ReportAsync(context, await runs.FindAsync(id, context.RequestAborted), isJson: true));
        app.Pages().MapGet("/compat/{id}/report.md", async (HttpContext context, string id, CompatibilityRuns runs) => await ReportAsync(context, await runs.FindAsync(id, context.RequestAborted), isJson: false));
        app.MapGet("/compat/{id}/bundle", BundleAsync).ExcludeFromDescription().RequireRateLimiting(ObjectServices.Policy);
        app.Pages().MapPost("/compat/{id}/delete", async (string id, CompatibilityRuns runs, CancellationToken cancellation) =>
        {
            await runs.RemoveAsync(id, cancellation);
            return Results.Redirect("/compat");
        }).Guarded();
    }

    /// <summary>Refuses what other sites have browsers send. Nobody needs to sign in for it, so that there is nothing to steal, but work to cause.</summary>
    private static RouteHandlerBuilder FromHere(this RouteHandlerBuilder route) => route.AddEndpointFilter(async (context, next) =>
        context.HttpContext.Request.Headers["Sec-Fetch-Site"].ToString() is "" or "same-origin" or "none"
            ? await next(context)
            : Page.Problem(StatusCodes.Status400BadRequest, "Sent from elsewhere", "Objects are sent from the page of this site, or by the API."));

    private static IResult Start(Roster roster, ObjectOptions limits, string? problem) => Page.Of<CompatibilityStartPage>(new CompatibilityStartModel(
        [.. roster.Shelves.Select(shelf => shelf.Place.Distro).Distinct()],
        [.. roster.Shelves.Select(shelf => shelf.Place.Version).Distinct().OrderDescending(PackageVersionOrder.Instance)],
        [.. roster.Shelves.Select(shelf => shelf.Place.Arch).Distinct().Order(StringComparer.Ordinal)],
        limits, roster.Recent.Count, problem), problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest);

    private static async Task<IResult> PostAsync(HttpContext context, CompatibilityRuns runs, ICatalogue catalogue, KernelRoster rosters, ObjectGate gate, ObjectOptions limits)
    {
        var cancellation = context.RequestAborted;
        try
        {
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            using var _ = await gate.EnterAsync(context);
            var objects = await UploadedObjects.ReadAsync(context.Request, limits, cancellation, fields);
            var (selection, loader) = (SelectionOf(fields), fields.GetValueOrDefault("loader") == "cilium" ? CoreLoader.Cilium : CoreLoader.Libbpf);
            var kernels = await selection.ListAsync(catalogue, cancellation);
            if (kernels.Count is 0 or > MaxKernels)
                throw new BadHttpRequestException(kernels.Count == 0 ? "No published kernel is chosen by that." : $"{kernels.Count} kernels are chosen; {MaxKernels} are the most. The API takes more.");
            var run = await runs.StartAsync(objects, context.Request.ContentLength ?? limits.MaxRequestBytes, loader, Words(selection), kernels, cancellation);
            return Results.Redirect($"/compat/{run.Id}");
        }
        catch (BadHttpRequestException wrong) when (wrong.StatusCode != StatusCodes.Status408RequestTimeout)
        {
            return Start(await rosters.GetAsync(cancellation), limits, wrong.Message);
        }
    }

    private static KernelSelection SelectionOf(Dictionary<string, string> fields)
    {
        var distro = Field("distro");
        return new KernelSelection
        {
            Distros = One(distro, KernelNames.Distro(distro)),
            Versions = One(Field("version"), KernelNames.Version(distro, Field("version"))),
            Archs = One(Field("arch"), KernelNames.Arch(Field("arch"))),
            UnamePattern = Field("uname") is { Length: <= 100 } pattern ? pattern.Contains('*', StringComparison.Ordinal) ? pattern : $"*{pattern}*" : null,
            LacksBtf = Field("lacks_btf") == "1",
        };

        string? Field(string name) => CoveragePageEndpoints.Text(fields.GetValueOrDefault(name)?.Trim());

        static string[] One(string? given, string? canonical) => given is null ? [] : [canonical ?? throw new BadHttpRequestException($"'{given}' cannot be a name.")];
    }

    private static string Words(KernelSelection selection)
    {
        var parts = selection.Distros.Concat(selection.Versions).Concat(selection.Archs).Concat(selection.UnamePattern is { } pattern ? [pattern] : []).Concat(selection.LacksBtf ? ["without BTF of their own"] : []).ToList();
        return parts.Count == 0 ? "all" : string.Join(", ", parts);
    }

    private static IResult Show(CompatibilityRun run, IQueryCollection query, TimeProvider clock)
    {
        var (worst, page) = (CoveragePageEndpoints.Text(query["show"]), CoveragePageEndpoints.PageOf(query));
        var first = int.TryParse(query["objects"], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var given) && given < run.Objects.Count ? given : 0;
        var rows = run.Reports is { } reports ? Enumerable.Range(0, reports[0].Rows.Count).Where(row => worst is null || Word(reports.Max(report => report.Rows[row].Verdict)) == worst).ToList() : [];
        return Page.Of<CompatibilityRunPage>(new CompatibilityRunModel(run, worst, first, page, rows.Count > page * RowPage, [.. rows.Skip((page - 1) * RowPage).Take(RowPage)], clock.GetUtcNow()));
    }

    private static IResult Explain(CompatibilityRun? run, int item, int result, int page)
    {
        if (run?.Reports is not { } reports || item >= reports.Count || result >= reports[item].Classes.Count)
            return Gone();
        var found = reports[item].Classes[result];
        return Page.Of<CompatibilityClassPage>(new CompatibilityClassModel(
            run, item, result, found, [.. reports[item].Rows.Where(row => row.Class == result).Select(row => row.Kernel.Name)],
            [.. found.Findings.OrderByDescending(finding => finding.Verdict).Skip((page - 1) * FindingPage).Take(FindingPage)], page, found.Findings.Count > page * FindingPage));
    }

    private static async Task<IResult> LayoutsAsync(string id, int item, string? type, string? kernel, CompatibilityRuns runs, WarmKernels warm, CancellationToken cancellation)
    {
        if (await runs.FindAsync(id, cancellation) is not { } run || item >= run.Objects.Count || type is not { Length: > 0 and <= 400 } || run.Kernels.FirstOrDefault(chosen => chosen.Key.ToString() == kernel) is not { } chosen)
            return Gone();
        // The object's flavours of a type are the kernel's type.
        var bare = type.IndexOf(Flavour, StringComparison.Ordinal) is > 0 and var end ? type[..end] : type;
        using var opened = await warm.OpenAsync(chosen.Publication, cancellation);
        var (local, target) = (TypeDescription.Find(run.Objects[item].Object.Btf, type), TypeDescription.Find(opened.Blob, bare));
        var rows = local.Count > 0 && target.Count > 0 ? DiffRows.Compare(DiffRows.Of(local), DiffRows.Of(target)) : null;
        return Page.Of<CompatibilityLayoutsPage>(new CompatibilityLayoutsModel(run, item, type, bare, chosen.Key, rows, local.Count > 0, target.Count > 0));
    }

    private static async Task<IResult> ReportAsync(HttpContext context, CompatibilityRun? run, bool isJson)
    {
        if (run?.Reports is not { } reports)
            return Gone();
        context.Response.ContentType = isJson ? "application/json" : "text/markdown; charset=utf-8";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"compatibility.{(isJson ? "json" : "md")}\"";
        if (isJson)
        {
            await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
            ReportWriter.WriteJson(reports, json);
            await json.FlushAsync(context.RequestAborted);
            return Results.Empty;
        }
        using var text = new StringWriter();
        ReportWriter.WriteMarkdown(reports, text);
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted);
        return Results.Empty;
    }

    private static async Task<IResult> BundleAsync(HttpContext context, string id, string? profile, CompatibilityRuns runs, KernelMinimizer minimizer, ObjectGate gate)
    {
        var (cancellation, name) = (context.RequestAborted, profile ?? BundleProfile.Classes);
        var layout = BundleProfile.Find(name);
        if (await runs.FindAsync(id, cancellation) is not { } run || layout is null && name != BundleProfile.Classes)
            return Gone();
        using var _ = await gate.EnterAsync(context);
        var isGzip = layout is null or { IsGzip: true };
        context.Response.ContentType = isGzip ? "application/gzip" : "application/x-tar";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"btf-{name}.tar{(isGzip ? ".gz" : "")}\"";
        await using var bundle = new Bundle(context.Response.Body, layout, run.Objects);
        await foreach (var kernel in minimizer.RunAsync(run.Kernels, ModuleSelection.None, run.Objects, new MinimalBtfOptions { SkipRefusals = true }, cancellation))
            await bundle.AddAsync(kernel, cancellation);
        await bundle.FinishAsync(cancellation);
        return Results.Empty;
    }

    private static IResult Gone() => Page.Problem(StatusCodes.Status404NotFound, "There is no such report", "It has expired, or was deleted. Drop the objects once more: it is quick.");

    internal static string Word(Verdict verdict) => verdict.ToString().ToLowerInvariant();
}
