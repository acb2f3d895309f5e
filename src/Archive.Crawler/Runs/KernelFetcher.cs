using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Archive.Crawler.Http;
using Archive.Crawler.Sources;
using Archive.Extractor;
using Archive.Extractor.Packages;
using Archive.Store.Kernels;

namespace Archive.Crawler.Runs;

/// <summary>A kernel as it came out of its packages.</summary>
/// <param name="Modules">Null where they were not asked for.</param>
/// <param name="DownloadedBytes">Of all packages.</param>
public sealed record FetchedKernel(ConvertedKernel Kernel, FetchedModules? Modules, long DownloadedBytes)
{
    /// <summary>The package as it was received: from where, and its digest and size where the index did not tell them.</summary>
    public required KernelBuild Build { get; init; }

    /// <summary>The archive that the BTF was taken over from; null where we made it.</summary>
    public Uri? ImportedFrom { get; init; }

    /// <summary>What other mirrors sent instead.</summary>
    public IReadOnlyList<string> PassedOver { get; init; } = [];
}

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
        var passedOver = new List<string>();
        var fetched = await FromMirrorsAsync(found.Package, progress, passedOver,
            package => ConvertAsync(found, package, new KernelExtractor(scratch, options), request.Modules ? options : null, progress, cancellation), cancellation);
        fetched = fetched with { PassedOver = passedOver };
        if (fetched.Modules is not { Seen: 0 } || found.Modules.Count == 0)
            return fetched;
        var (taken, bytes) = (new FetchedModules.Builder(fetched.Kernel, options), fetched.DownloadedBytes);
        foreach (var package in found.Modules)
            bytes += await TakeModulesAsync(taken, package, progress, passedOver, cancellation);
        return fetched with { Modules = taken.End(), DownloadedBytes = bytes };
    }

    /// <summary>A package of modules that is gone or of no use is noted: it would be so next time, and the kernel is good without.</summary>
    private async Task<long> TakeModulesAsync(
        FetchedModules.Builder taken, FoundPackage package, IProgress<CrawlEvent>? progress, List<string> passedOver, CancellationToken cancellation)
    {
        try
        {
            return await FromMirrorsAsync(package, progress, passedOver, stream => TakeModulesAsync(taken, package, stream, cancellation), cancellation);
        }
        catch (Exception e) when (e is MirrorException { IsMissing: true } or Btf.MalformedInputException or UnsupportedImageException)
        {
            taken.Refuse($"{package.Build.PackageName}: {e.Message}");
            return 0;
        }
    }

    private async Task<T> FromMirrorsAsync<T>(
        FoundPackage found, IProgress<CrawlEvent>? progress, List<string> passedOver, Func<PackageStream, Task<T>> use, CancellationToken cancellation)
    {
        for (var i = 0; ; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                progress?.Report(new KernelStarted(found.Build, found.Urls[i]));
                var size = found.Build.PackageSize > 0 ? found.Build.PackageSize : (long?)null;
                await using var package = new PackageStream(client, found.Urls[i], size, found.Checksum, clock, firstRetryDelay);
                return await use(package);
            }
            catch (MirrorException e) when (i + 1 < found.Urls.Count)
            {
                passedOver.Add(e.Message);
                progress?.Report(new MirrorPassedOver(found.Build, e.Message));
            }
        }
    }

    private static async Task<FetchedKernel> ConvertAsync(
        FoundKernel found, PackageStream package, KernelExtractor extractor, ConversionOptions? modules, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var report = progress is null ? null : new Reporter(found.Build, package, progress);
        var (opened, failure) = await AttemptAsync(() => extractor.Open(package, modules is not null, report, cancellation), cancellation);
        using (opened)
        {
            var work = opened is null ? null : AttemptAsync(() => Convert(found.Build, extractor, opened, modules, report, cancellation), cancellation);
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
            var build = found.Build with { PackageUrl = package.Url, PackageSha256 = package.Sha256, PackageSize = package.BytesRead };
            return converted.Result! with { DownloadedBytes = package.BytesRead, Build = build };
        }
    }

    private static FetchedKernel Convert(
        KernelBuild build, KernelExtractor extractor, KernelPackage opened, ConversionOptions? modules, Reporter? report, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        ConvertedKernel? kernel = null;
        try
        {
            kernel = extractor.Convert(opened.Image, report, cancellation);
        }
        finally
        {
            CrawlMeter.Converted(build.Key.Distro, build.Key.Arch, Stopwatch.GetElapsedTime(started), failed: kernel is null);
        }
        if (modules is null)
            return new FetchedKernel(kernel, null, 0) { Build = build };
        var taken = new FetchedModules.Builder(kernel, modules);
        taken.Take(opened, cancellation);
        return new FetchedKernel(kernel, taken.End(), 0) { Build = build };
    }

    private static async Task<long> TakeModulesAsync(FetchedModules.Builder modules, FoundPackage found, PackageStream package, CancellationToken cancellation)
    {
        var attempt = modules.Fork();
        var (_, failure) = await AttemptAsync(() =>
        {
            attempt.Take(PackageModules.Read(package, ExtractionLimits.Default, Environment.ProcessorCount, cancellation), found.Build, cancellation);
            return attempt;
        }, cancellation);
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
