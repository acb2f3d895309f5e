using System.Text.Json.Serialization;
using Archive.Api.Content;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>A kernel as btfhub-online names it.</summary>
public sealed record BtfhubIdentifier(
    [property: JsonPropertyName("distribution")] string Distribution,
    [property: JsonPropertyName("distribution_version")] string DistributionVersion,
    [property: JsonPropertyName("kernel_version")] string KernelVersion,
    [property: JsonPropertyName("arch")] string Arch);

/// <summary>btfhub-online's list and download, as its clients (btfhub-online-go) ask for them.</summary>
public static class BtfhubOnlineEndpoints
{
    public static void MapBtfhubOnline(this WebApplication app)
    {
        var group = app.MapGroup("/api/v1").WithTags("compatibility");
        group.MapGet("/list", (ICatalogue catalogue, CancellationToken cancellation) => ListAsync(catalogue, cancellation))
            .WithSummary("Every published kernel, as btfhub-online lists them");
        group.MapMethods("/download", BtfResponses.Methods, DownloadAsync)
            .WithSummary("The .btf.tar.xz of a kernel, as btfhub-online serves it");
    }

    private static async IAsyncEnumerable<BtfhubIdentifier> ListAsync(
        ICatalogue catalogue, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        KernelKey? last = null;
        await foreach (var record in catalogue.PublishedAsync(new KernelFilter(), cancellation))
        {
            var key = record.Build.Key;
            if (key != last)
                yield return new BtfhubIdentifier(key.Distro, key.Version, key.Uname, key.Arch);
            last = key;
        }
    }

    private static async Task<IResult> DownloadAsync(
        HttpContext context, KernelResolver resolver, BtfResponses responses,
        string? distribution, string? distribution_version, string? kernel_version, string? arch)
    {
        var uname = RawQuery.LiteralPlus(context.Request, "kernel_version") ?? kernel_version;
        var machine = uname is null ? arch : UnameText.ArchOfRelease(uname) ?? arch;
        var resolution = await resolver.FindAsync(KernelNames.Key(distribution, distribution_version, machine, uname), context.RequestAborted);
        if (resolution is null)
            return TypedResults.Problem("Give distribution, distribution_version, kernel_version and arch.", statusCode: StatusCodes.Status400BadRequest, title: "Not a kernel's name");
        return resolution.Record is { } record
            ? await responses.SendAsync(context, record, BtfForm.Tarball, immutable: false, "application/octet-stream")
            : await resolver.ExplainAsync(context, resolution);
    }
}
