using System.Runtime.ExceptionServices;
using Archive.Crawler.Http;
using Archive.Crawler.Sources;
using Archive.Extractor;
using Archive.Extractor.Packages;
using Archive.Store.Kernels;

namespace Archive.Crawler.Runs;

/// <summary>A kernel as it came out of its packages.</summary>
/// <param name="Modules">Null where they were not asked for, or none was found.</param>
/// <param name="DownloadedBytes">Of all packages.</param>
public sealed record FetchedKernel(ConvertedKernel Kernel, FetchedModules? Modules, long DownloadedBytes);

/// <summary>
/// One kernel from its mirrors to converted BTF. The package is decoded while it comes in; when the kernel image is
/// complete, it is converted while the rest is received, then the modules as they come. Nothing is given out unless size and
/// digest are what the signed index says.
/// </summary>
public sealed class KernelFetcher(HttpClient client, TimeProvider clock, TimeSpan? firstRetryDelay)
{
    /// <summary>Tries the mirrors in order, as long as the fault is the mirror's.</summary>
    public async Task<FetchedKernel> FetchAsync(
        FoundKernel found, string scratch, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var options = new ConversionOptions(request.BtfSource, Environment.ProcessorCount) { Inventory = true };
        var (kernel, modules, bytes) = await FromMirrorsAsync(found.Package, progress,
            package => ConvertAsync(found, package, new KernelExtractor(scratch, options), request.Modules ? options : null, progress, cancellation), cancellation);
        if (!request.Modules || found.Modules.Count == 0 || modules is { Seen: > 0 })
            return new FetchedKernel(kernel, modules, bytes);
        var taken = new FetchedModules.Builder(kernel, options);
        foreach (var package in found.Modules)
            bytes += await FromMirrorsAsync(package, progress, stream => TakeModulesAsync(taken, package, stream, cancellation), cancellation);
        return new FetchedKernel(kernel, taken.End(), bytes);
    }

    private async Task<T> FromMirrorsAsync<T>(FoundPackage found, IProgress<CrawlEvent>? progress, Func<PackageStream, Task<T>> use, CancellationToken cancellation)
    {
        for (var i = 0; ; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                progress?.Report(new KernelStarted(found.Build, found.Urls[i]));
                await using var package = new PackageStream(client, found.Urls[i], found.Build.PackageSize, found.Build.PackageSha256, clock, firstRetryDelay);
                return await use(package);
            }
            catch (MirrorException) when (i + 1 < found.Urls.Count)
            {
                // The next one may have it.
            }
        }
    }

    private static async Task<FetchedKernel> ConvertAsync(
        FoundKernel found, PackageStream package, KernelExtractor extractor, ConversionOptions? modules, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var report = progress is null ? null : new Reporter(found.Build, package, progress);
        var (opened, failure) = await AttemptAsync(() => extractor.Open(package, report, cancellation), cancellation);
        using (opened)
        {
            var work = opened is null ? null : AttemptAsync(() => Convert(extractor, opened, modules, report, cancellation), cancellation);
            if (work is not null && modules is not null)
                await work; // It reads on in the package.
            opened?.StopReading();
            try
            {
                await package.CompleteAsync(cancellation); // Before anything that conversion says: bytes that are not the package's prove nothing about it.
            }
            finally
            {
                if (work is not null)
                    await work;
            }
            failure?.Throw();
            var converted = await work!;
            converted.Failure?.Throw();
            return converted.Result! with { DownloadedBytes = package.BytesRead };
        }
    }

    private static FetchedKernel Convert(
        KernelExtractor extractor, KernelPackage opened, ConversionOptions? modules, Reporter? report, CancellationToken cancellation)
    {
        var kernel = extractor.Convert(opened.Image, report, cancellation);
        if (modules is null)
            return new FetchedKernel(kernel, null, 0);
        var taken = new FetchedModules.Builder(kernel, modules);
        taken.Take(opened.Modules(cancellation), null, cancellation);
        return new FetchedKernel(kernel, taken.End(), 0);
    }

    private static async Task<long> TakeModulesAsync(FetchedModules.Builder modules, FoundPackage found, PackageStream package, CancellationToken cancellation)
    {
        var attempt = modules.Fork();
        var (_, failure) = await AttemptAsync(() => attempt.Take(PackageModules.Read(package, ExtractionLimits.Default, Environment.ProcessorCount, cancellation), found.Build, cancellation), cancellation);
        await package.CompleteAsync(cancellation);
        failure?.Throw();
        modules.Join(attempt);
        return package.BytesRead;
    }

    /// <summary>A failure is kept until the package is known to be the right one.</summary>
    private static async Task<(T? Result, ExceptionDispatchInfo? Failure)> AttemptAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        try
        {
            return (await Task.Run(work, cancellation), null);
        }
        catch (Exception e) when (Outcomes.Of(e) is not null and not Outcome.DownloadFailed)
        {
            return (default, ExceptionDispatchInfo.Capture(e));
        }
    }

    private sealed class Reporter(KernelBuild build, PackageStream package, IProgress<CrawlEvent> progress) : IProgress<ExtractionProgress>
    {
        public void Report(ExtractionProgress value) => progress.Report(new KernelProgress(build, value.Stage, package.BytesRead));
    }
}
