using System.IO.Pipelines;
using Archive.Api.Content;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>
/// A filtered tree as one tar, made while it is sent. As <c>tar</c> it holds the tarballs as they are stored, which costs nothing; as <c>tar.zst</c>
/// raw BTF in one zstd stream. Measured on BTF of 6.12.107 and 6.12.117 cloud amd64 (4.7 MB each; 1.1 MB each as .xz): 2.8 MB together at level
/// 3, 2.1 MB at 19. A window over both saves little, since every type id shifts between two kernels.
/// </summary>
public static class BulkEndpoints
{
    /// <summary>128 MiB, the most that <c>zstd -d</c> takes without being told.</summary>
    private const int DefaultWindow = 27;
    private const int MinWindow = 17, MaxWindow = 31, Level = 3;

    public static void MapBulk(this WebApplication app) => app.MapGet("/v1/bulk", GetAsync)
        .WithTags("bulk")
        .WithSummary("All kernels of a distro, version or arch as one tar")
        .WithDescription("format: tar (stored tarballs, the default) or tar.zst (raw BTF). window: log2 of zstd's window, 17 to 31; above 27 the reader needs --long. after: the last place (distro/version/arch/uname) that an interrupted download got whole.")
        .ProducesProblem(StatusCodes.Status400BadRequest);

    private static IResult GetAsync(
        HttpContext context, ICatalogue catalogue, IBlobStore blobs, DerivedForms derived,
        string? distro, string? version, string? arch, string? uname, string? after, string format = "tar", int window = DefaultWindow)
    {
        if (format is not ("tar" or "tar.zst"))
            return Wrong($"'{format}' is no format: tar and tar.zst are.");
        if (window is < MinWindow or > MaxWindow)
            return Wrong($"window is {window}; it goes from {MinWindow} to {MaxWindow}.");
        if (after is not null && after.Count(c => c == '/') != 3)
            return Wrong($"'{after}' is no place (distro/version/arch/uname).");
        if (FilterNames.Wrong(distro, version, arch, uname) is { } wrong)
            return wrong;
        var filter = new KernelFilter
        {
            Distro = distro is null ? null : KernelNames.Distro(distro),
            Version = version is null ? null : KernelNames.Version(distro, version),
            Arch = arch is null ? null : KernelNames.Arch(arch),
            UnamePattern = uname is null ? null : RawQuery.LiteralPlus(context.Request, "uname"),
        };
        var kernels = Behind(DatadogEndpoints.NewestAsync(catalogue.PublishedAsync(filter, context.RequestAborted)), after);
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"btf.{format}\"";
        context.Response.Headers.CacheControl = "no-store";
        return format == "tar"
            ? TypedResults.Stream(body => WriteTarballsAsync(body, kernels, blobs, context.RequestAborted), "application/x-tar")
            : TypedResults.Stream(body => WriteRawAsync(body, kernels, derived, window, context.RequestAborted), "application/zstd");
    }

    private static IResult Wrong(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest, title: "Not a bulk request");

    private static async IAsyncEnumerable<KernelRecord> Behind(IAsyncEnumerable<KernelRecord> kernels, string? place)
    {
        var passed = place?.Split('/');
        await foreach (var kernel in kernels)
        {
            var key = kernel.Build.Key;
            if (passed is null || Compare([key.Distro, key.Version, key.Arch, key.Uname], passed) > 0)
                yield return kernel;
        }
    }

    private static int Compare(string[] left, string[] right)
    {
        for (var i = 0; i < left.Length; i++)
        {
            if (string.CompareOrdinal(left[i], right[i]) is var order and not 0)
                return order;
        }
        return 0;
    }

    private static async Task WriteTarballsAsync(Stream body, IAsyncEnumerable<KernelRecord> kernels, IBlobStore blobs, CancellationToken cancellation)
    {
        await foreach (var kernel in kernels)
        {
            var (key, tarball) = (BlobPaths.Tarball(kernel.Publication!.Tarball.Sha256), kernel.Publication.Tarball);
            await using var content = await blobs.OpenReadAsync(key, cancellation) ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");
            await body.WriteAsync(UstarHeader.Of(BlobPaths.Tree(kernel.Build.Key), tarball.Size), cancellation);
            await content.CopyToAsync(body, cancellation);
            await body.WriteAsync(new byte[UstarHeader.Padding(tarball.Size)], cancellation);
        }
        await body.WriteAsync(new byte[2 * UstarHeader.BlockBytes], cancellation);
    }

    /// <summary>The encoder writes into the pipe's buffers; they are sent between its pieces, so a slow client holds it up.</summary>
    private static async Task WriteRawAsync(Stream body, IAsyncEnumerable<KernelRecord> kernels, DerivedForms derived, int window, CancellationToken cancellation)
    {
        var pipe = PipeWriter.Create(body, new StreamPipeWriterOptions(leaveOpen: true));
        await using var sink = new PipeStream(pipe);
        await using var zstd = new ZstdEncoderStream(sink, Level, windowLog: window);
        var buffer = new byte[256 * 1024];
        await foreach (var kernel in kernels)
        {
            var (content, form) = await derived.OpenAsync(kernel.Publication!, BtfForm.Raw, kernel.Build.Key.Arch, cancellation);
            await using (content)
            {
                zstd.Write(UstarHeader.Of($"{kernel.Build.Key}.btf", form.Size));
                for (int read; (read = content.Read(buffer)) > 0;)
                {
                    zstd.Write(buffer.AsSpan(0, read));
                    await pipe.FlushAsync(cancellation);
                }
                zstd.Write(new byte[UstarHeader.Padding(form.Size)]);
            }
        }
        zstd.Write(new byte[2 * UstarHeader.BlockBytes]);
        zstd.End();
        await pipe.FlushAsync(cancellation);
    }
}
