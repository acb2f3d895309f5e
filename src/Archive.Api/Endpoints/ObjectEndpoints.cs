using System.Text.Json;
using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Extractor.Packages;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Btf.CoRe;
using Btf.CoRe.Compatibility;
using Btf.Format;
using Microsoft.AspNetCore.Mvc;

namespace Archive.Api.Endpoints;

/// <summary>What builders and authors of BPF objects come for: minimal BTF for many kernels at once, and on which of them the object loads.</summary>
public static class ObjectEndpoints
{
    public static void MapObjects(this WebApplication app, ObjectOptions options)
    {
        Limited(app.MapPost("/v1/minimize", MinimizeAsync), options)
            .WithSummary("Minimal BTF of the objects sent, for every kernel selected, as one archive")
            .Produces(StatusCodes.Status200OK, contentType: "application/x-tar");
        Limited(app.MapPost("/v1/compat", CompatAsync), options)
            .WithSummary("On which of the selected kernels the objects sent load and attach, and if not, why")
            .Produces(StatusCodes.Status200OK, contentType: "application/json");
        Limited(app.MapPost("/api/v1/customize", CustomizeAsync), options)
            .WithSummary("Minimal BTF for one kernel, by btfhub-online's route")
            .Produces(StatusCodes.Status200OK, contentType: "application/octet-stream");
    }

    private static RouteHandlerBuilder Limited(RouteHandlerBuilder route, ObjectOptions options) => route
        .WithTags("objects")
        .WithMetadata(new TakesObjects())
        .DisableAntiforgery()
        .WithMetadata(new RequestSizeLimitAttribute(options.MaxRequestBytes + (1 << 20)))
        .RequireRateLimiting(ObjectServices.Policy)
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status429TooManyRequests);

    private static async Task MinimizeAsync(HttpContext context, ICatalogue catalogue, KernelMinimizer minimizer, ObjectGate gate, ObjectOptions limits)
    {
        var cancellation = context.RequestAborted;
        var name = context.Request.Query["profile"].ToString() is { Length: > 0 } given ? given : BundleProfile.Classes;
        var profile = BundleProfile.Find(name);
        var table = KernelOffsetTable.Profiles.GetValueOrDefault(name);
        if (profile is null && table is null && name != BundleProfile.Classes)
            throw new BadHttpRequestException($"'{name}' is no profile; there are {string.Join(", ", BundleProfile.Names.Concat(KernelOffsetTable.Profiles.Keys))}.");
        var (selection, modules, options) = (KernelSelection.Parse(context.Request), ModuleSelection.Parse(context.Request.Query), OptionsOf(context.Request.Query));
        using var _ = await gate.EnterAsync(context);
        var objects = await UploadedObjects.ReadAsync(context.Request, limits, cancellation);
        var kernels = await SelectAsync(selection, catalogue, cancellation);
        if (table is not null)
        {
            await new KernelOffsetTable(minimizer, KernelOffsetTable.FieldsOf(objects), table).WriteAsync(context.Response, kernels, cancellation);
            return;
        }
        var isGzip = profile is null or { IsGzip: true };
        context.Response.ContentType = isGzip ? "application/gzip" : "application/x-tar";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"btf-{name}.tar{(isGzip ? ".gz" : "")}\"";
        context.Response.Headers["X-Kernels"] = kernels.Count.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await using var bundle = new Bundle(context.Response.Body, profile, objects);
        await foreach (var kernel in minimizer.RunAsync(kernels, modules, objects, options, cancellation))
            await bundle.AddAsync(kernel, cancellation);
        await bundle.FinishAsync(cancellation);
    }

    /// <summary>A bundle goes on where one relocation of one kernel cannot be resolved: loaders that need it refuse there with or without it.</summary>
    private static MinimalBtfOptions OptionsOf(IQueryCollection query) => new()
    {
        SkipRefusals = query["strict"].ToString() is not ("true" or "1"),
        KeepAllCandidates = query["all_candidates"].ToString() is "true" or "1",
        WithoutEnum64 = query["enum64"].ToString() is "false" or "0",
        WithoutTags = query["tags"].ToString() is "false" or "0",
        HeaderSize = query["header"].ToString() switch
        {
            "" or "24" => BtfWire.HeaderSize,
            "32" => BtfHeader.SizeWithLayout,
            var other => throw new BadHttpRequestException($"header is '{other}'; it is 24 or 32."),
        },
        BigEndian = query["byte_order"].ToString() switch
        {
            "" => null,
            "little" => false,
            "big" => true,
            var other => throw new BadHttpRequestException($"byte_order is '{other}'; it is little or big."),
        },
    };

    private static async Task<List<SelectedKernel>> SelectAsync(KernelSelection selection, ICatalogue catalogue, CancellationToken cancellation)
    {
        var kernels = await selection.ListAsync(catalogue, cancellation);
        return kernels.Count > 0 ? kernels : throw new BadHttpRequestException("No published kernel is selected.", StatusCodes.Status404NotFound);
    }

    private static async Task CompatAsync(
        HttpContext context, ICatalogue catalogue, CompatibilityReports compatibility, ObjectGate gate, ObjectOptions limits)
    {
        var cancellation = context.RequestAborted;
        var (selection, modules, loader, format) = (KernelSelection.Parse(context.Request), ModuleSelection.Parse(context.Request.Query), LoaderOf(context.Request.Query), FormatOf(context.Request));
        using var _ = await gate.EnterAsync(context);
        var objects = await UploadedObjects.ReadAsync(context.Request, limits, cancellation);
        var kernels = await SelectAsync(selection, catalogue, cancellation);
        var reports = await compatibility.MakeAsync(objects, loader, kernels, modules, null, cancellation);
        await WriteAsync(context, reports, format);
    }

    private static CoreLoader LoaderOf(IQueryCollection query) => query["loader"].ToString() switch
    {
        "" or "libbpf" => CoreLoader.Libbpf,
        "cilium" => CoreLoader.Cilium,
        var other => throw new BadHttpRequestException($"loader is '{other}'; it is libbpf or cilium."),
    };

    private static string FormatOf(HttpRequest request) => request.Query["format"].ToString() switch
    {
        "" => request.Headers.Accept.ToString().Contains("text/markdown", StringComparison.OrdinalIgnoreCase) ? "md" : "json",
        "json" => "json",
        "md" => "md",
        "table" => "table",
        var other => throw new BadHttpRequestException($"format is '{other}'; it is json, md or table."),
    };

    private static async Task WriteAsync(HttpContext context, List<CompatibilityReport> reports, string format)
    {
        context.Response.ContentType = format switch { "json" => "application/json", "md" => "text/markdown; charset=utf-8", _ => "text/plain; charset=utf-8" };
        if (format == "json")
        {
            await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
            ReportWriter.WriteJson(reports, json);
            await json.FlushAsync(context.RequestAborted);
            return;
        }
        using var text = new StringWriter();
        if (format == "md")
            ReportWriter.WriteMarkdown(reports, text);
        else
            ReportWriter.WriteTable(reports, text);
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted);
    }

    private static async Task<IResult> CustomizeAsync(
        HttpContext context, KernelResolver resolver, KernelMinimizer minimizer, ObjectGate gate, ObjectOptions limits,
        string? distribution, string? distribution_version, string? kernel_version, string? arch)
    {
        var uname = RawQuery.LiteralPlus(context.Request, "kernel_version") ?? kernel_version;
        var resolution = await resolver.FindAsync(KernelNames.Key(distribution, distribution_version, arch, uname), context.RequestAborted);
        if (resolution is null)
            return TypedResults.Problem("Give distribution, distribution_version, kernel_version and arch.", statusCode: StatusCodes.Status400BadRequest, title: "Not a kernel's name");
        using var _ = await gate.EnterAsync(context);
        var objects = await UploadedObjects.ReadAsync(context.Request, limits, context.RequestAborted);
        if (resolution.Record is not { Publication: { } publication, Build: var build })
            return await resolver.ExplainAsync(context, resolution);
        var kernel = await minimizer.MinimizeAsync(new SelectedKernel(build, publication), ModuleSelection.None, objects, MinimalBtfOptions.Default, context.RequestAborted);
        return kernel.Problem is { } problem
            ? TypedResults.Problem(problem, statusCode: StatusCodes.Status400BadRequest)
            : TypedResults.File(BtfTarball.Pack(build.Key.Uname, kernel.Btf, 1), "application/octet-stream", $"{build.Key.Uname}.btf.tar.xz");
    }
}
