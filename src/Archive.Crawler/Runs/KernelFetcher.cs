using Archive.Crawler.Http;
using Archive.Crawler.Sources;
using Archive.Extractor;

namespace Archive.Crawler.Runs;

/// <summary>
/// One kernel from its mirrors to converted BTF. The package is decoded while it comes in; when the kernel image is
/// complete, the rest is received and hashed while the image is converted, and nothing is given out unless size and
/// digest are what the signed index says.
/// </summary>
public sealed class KernelFetcher(HttpClient client, TimeProvider clock, TimeSpan? firstRetryDelay)
{
    /// <summary>Tries the mirrors in order, as long as the fault is the mirror's.</summary>
    public async Task<(ConvertedKernel Kernel, long DownloadedBytes)> FetchAsync(
        FoundKernel found, string scratch, BtfSource source, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                progress?.Report(new KernelStarted(found.Build, found.Urls[i]));
                return await FetchAsync(found, found.Urls[i], scratch, source, progress, cancellation);
            }
            catch (MirrorException) when (i + 1 < found.Urls.Count)
            {
                // The next one may have it.
            }
        }
    }

    private async Task<(ConvertedKernel Kernel, long DownloadedBytes)> FetchAsync(
        FoundKernel found, Uri url, string scratch, BtfSource source, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var build = found.Build;
        await using var package = new PackageStream(client, url, build.PackageSize, build.PackageSha256, clock, firstRetryDelay);
        var extractor = new KernelExtractor(scratch, new ConversionOptions(source, Environment.ProcessorCount) { Inventory = true });
        var report = progress is null ? null : new Reporter(build, package, progress);
        var (image, failure) = await SpoolAsync(extractor, package, report, cancellation);
        using (image)
        {
            var completed = package.CompleteAsync(cancellation);
            var converted = image is null ? null : Task.Run(() => extractor.Convert(image, report, cancellation), cancellation);
            await completed; // Before anything that conversion says: bytes that are not the package's prove nothing about it.
            failure?.Throw();
            return (await converted!, package.BytesRead);
        }
    }

    /// <summary>A failure is kept until the package is known to be the right one.</summary>
    private static async Task<(Extractor.Packages.SpooledImage? Image, System.Runtime.ExceptionServices.ExceptionDispatchInfo? Failure)> SpoolAsync(
        KernelExtractor extractor, PackageStream package, Reporter? report, CancellationToken cancellation)
    {
        try
        {
            return (await Task.Run(() => extractor.Spool(package, report, cancellation), cancellation), null);
        }
        catch (Exception e) when (Outcomes.Of(e) is not null and not Archive.Store.Kernels.Outcome.DownloadFailed)
        {
            return (null, System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(e));
        }
    }

    private sealed class Reporter(Archive.Store.Kernels.KernelBuild build, PackageStream package, IProgress<CrawlEvent> progress) : IProgress<ExtractionProgress>
    {
        public void Report(ExtractionProgress value) => progress.Report(new KernelProgress(build, value.Stage, package.BytesRead));
    }
}
