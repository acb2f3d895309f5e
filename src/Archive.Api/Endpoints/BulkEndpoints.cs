using System.IO.Pipelines;
using Archive.Api.Content;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Btf.Series;

namespace Archive.Api.Endpoints;

/// <summary>
/// A filtered tree as one file, made while it is sent. As <c>tar</c> it holds the tarballs as they are stored, which costs nothing; as <c>tar.zst</c>
/// raw BTF in one zstd stream, which saves little, since every type id shifts between two kernels; as <c>series</c> each kernel's difference from the one
/// before (<see cref="SeriesFile"/>). Measured on 149 kernels of Debian 11 to 13: 169.5 MB of .tar.xz, 8.0 MB as a series.
/// </summary>
public static class BulkEndpoints
{
    /// <summary>128 MiB, the most that <c>zstd -d</c> takes without being told.</summary>
    private const int DefaultWindow = 27;
    private const int MinWindow = 17, MaxWindow = 31, Level = 3, SeriesLevel = 6;

    /// <summary>A difference takes a core for a tenth of a second; requests take turns, kernel by kernel.</summary>
    private static readonly SemaphoreSlim SeriesWriters = new(Math.Max(1, Environment.ProcessorCount / 2));

    public static void MapBulk(this WebApplication app) => app.MapGet("/v1/bulk", GetAsync)
        .WithTags("bulk")
        .WithSummary("All kernels of a distro, version or arch as one file")
        .WithDescription("format: tar (stored tarballs, the default), tar.zst (raw BTF) or series (raw BTF by differences, some twenty times smaller than the tarballs; 'bulk unpack' undoes it). window: log2 of zstd's window, 17 to 31; above 27 the reader needs --long. after: the last place (distro/version/arch/uname) that an interrupted download got whole.")
        .ProducesProblem(StatusCodes.Status400BadRequest);

    private static IResult GetAsync(
        HttpContext context, ICatalogue catalogue, IBlobStore blobs, DerivedForms derived,
        string? distro, string? version, string? arch, string? uname, string? after, string format = "tar", int window = DefaultWindow)
    {
        if (format is not ("tar" or "tar.zst" or "series"))
            return Wrong($"'{format}' is no format: tar, tar.zst and series are.");
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
        return format switch
        {
            "tar" => TypedResults.Stream(body => WriteTarballsAsync(body, kernels, blobs, context.RequestAborted), "application/x-tar"),
            "series" => TypedResults.Stream(body => WriteSeriesAsync(body, kernels, derived, window, context.RequestAborted), SeriesFile.MediaType),
            _ => TypedResults.Stream(body => WriteRawAsync(body, kernels, derived, window, context.RequestAborted), "application/zstd"),
        };
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

    private static Task WriteRawAsync(Stream body, IAsyncEnumerable<KernelRecord> kernels, DerivedForms derived, int window, CancellationToken cancellation) =>
        CompressAsync(body, Level, window, async (zstd, flush) =>
        {
            var buffer = new byte[256 * 1024];
            await foreach (var kernel in kernels)
            {
                var (content, form) = await derived.OpenAsync(kernel.Publication!, BtfForm.Raw, kernel.Build.Key.Arch, cancellation);
                await using (content)
                {
                    zstd.Write(UstarHeader.Of($"{kernel.Build.Key}.btf", form.Size));
                    for (int read; (read = content.Read(buffer)) > 0; await flush())
                        zstd.Write(buffer.AsSpan(0, read));
                    zstd.Write(new byte[UstarHeader.Padding(form.Size)]);
                }
            }
            zstd.Write(new byte[2 * UstarHeader.BlockBytes]);
        }, cancellation);

    private static Task WriteSeriesAsync(Stream body, IAsyncEnumerable<KernelRecord> kernels, DerivedForms derived, int window, CancellationToken cancellation) =>
        CompressAsync(body, SeriesLevel, window, async (zstd, flush) =>
        {
            var series = new BtfSeriesWriter();
            zstd.Write(SeriesFile.Line(SeriesFile.Magic));
            await foreach (var kernel in kernels)
            {
                var (content, form) = await derived.OpenAsync(kernel.Publication!, BtfForm.Raw, kernel.Build.Key.Arch, cancellation);
                var btf = new byte[form.Size];
                await using (content)
                    await content.ReadExactlyAsync(btf, cancellation);
                var member = await DifferenceAsync(series, btf, kernel.Build.Key, cancellation);
                zstd.Write(SeriesFile.Line(new SeriesMember(kernel.Build.Key, form, member.Length).ToString()));
                zstd.Write(member.Span);
                await flush();
            }
            zstd.Write(SeriesFile.Line(""));
        }, cancellation);

    private static async Task<ReadOnlyMemory<byte>> DifferenceAsync(BtfSeriesWriter series, byte[] btf, KernelKey key, CancellationToken cancellation)
    {
        await SeriesWriters.WaitAsync(cancellation);
        try
        {
            return series.Write(btf, SeriesFile.TrackOf(key));
        }
        finally
        {
            SeriesWriters.Release();
        }
    }

    /// <summary>The encoder writes into the pipe's buffers; they are sent between its pieces, so a slow client holds it up.</summary>
    /// <param name="write">Gets the encoder, and what sends.</param>
    private static async Task CompressAsync(Stream body, int level, int window, Func<ZstdEncoderStream, Func<ValueTask>, Task> write, CancellationToken cancellation)
    {
        var pipe = PipeWriter.Create(body, new StreamPipeWriterOptions(leaveOpen: true));
        await using var sink = new PipeStream(pipe);
        await using var zstd = new ZstdEncoderStream(sink, level, windowLog: window);
        await write(zstd, async () => await pipe.FlushAsync(cancellation));
        zstd.End();
        await pipe.FlushAsync(cancellation);
    }
}
