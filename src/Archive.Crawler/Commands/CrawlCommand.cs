using System.CommandLine;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Extractor;
using Archive.Store;
using Serilog;
using Serilog.Extensions.Logging;

namespace Archive.Crawler.Commands;

/// <summary><c>crawl SOURCE</c>: one crawl, now. Exit status: 0 all went well, 1 kernels or suites failed, 2 usage, 3 the crawl itself failed, 130 interrupted.</summary>
internal static class CrawlCommand
{
    private const int Done = 0, SomeFailed = 1, CrawlFailed = 3, Interrupted = 130;

    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "Distro to crawl, such as debian." };
        var release = List("--release", "Release by codename or version, or all; the host's, or the newest stable one.");
        var arch = List("--arch", "Architecture, or all; the host's.");
        var flavour = List("--flavour", "Kernel flavour: cloud, generic, rt, 16k, or all; the source's default.");
        var newest = new Option<int>("--newest", "--limit") { Description = "Newest builds for each release, arch and flavour.", DefaultValueFactory = _ => 1 };
        var uname = new Option<string?>("--uname") { Description = "Only kernels whose uname -r matches, with * and ?." };
        var take = new Option<BtfSource>("--source") { Description = "Take BTF from dwarf, from the image's own btf, or auto.", DefaultValueFactory = _ => BtfSource.Auto };
        var grade = new Option<PackageGrade?>("--packages") { Description = "Only kernels in debug packages, or only those in image packages; the source's order of preference." };
        var expired = new Option<bool>("--allow-expired") { Description = "Take signed indexes past their time too; the provenance says so." };
        var noModules = new Option<bool>("--no-modules") { Description = "Leave the modules' BTF out." };
        var retry = new Option<bool>("--retry-failed") { Description = "Try failed kernels again now." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Print what would be fetched, with sizes." };
        var data = new Option<string>("--data") { Description = "Data directory.", DefaultValueFactory = _ => "data" };
        var mirror = List("--mirror", "Base URL to use instead of the host's mirrors, and of the source's.");
        var security = List("--security-mirror", "Base URL of the security suites, with --mirror.");
        var folder = new Option<string?>("--sources") { Description = "Folder of further source files." };
        var keyring = new Option<string?>("--keyring") { Description = "Keyring that --mirror's indexes are signed with." };
        var command = new Command("crawl", "Crawl a distro's repositories and publish the BTF of its kernels.")
        {
            source, release, arch, flavour, newest, uname, take, grade, noModules, expired, retry, dryRun, data, mirror, security, keyring, folder,
        };
        grade.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<PackageGrade?>() == PackageGrade.Modules)
                r.AddError("--packages takes debug or image.");
        });
        newest.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() < 1)
                r.AddError("--newest takes a number from 1 on.");
        });
        foreach (var urls in (Option<string[]>[])[mirror, security])
        {
            urls.Validators.Add(r =>
            {
                foreach (var text in r.GetValueOrDefault<string[]>() ?? [])
                {
                    if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
                        r.AddError($"'{text}' is no URL of a mirror.");
                }
            });
        }
        command.SetAction((parsed, cancellation) =>
        {
            var request = new CrawlRequest
            {
                Source = parsed.GetRequiredValue(source),
                Releases = parsed.GetValue(release) ?? [],
                Arches = parsed.GetValue(arch) ?? [],
                Flavours = parsed.GetValue(flavour) ?? [],
                Newest = parsed.GetValue(newest),
                UnamePattern = parsed.GetValue(uname),
                BtfSource = parsed.GetValue(take),
                Grade = parsed.GetValue(grade),
                AllowExpired = parsed.GetValue(expired),
                Modules = !parsed.GetValue(noModules),
                RetryFailed = parsed.GetValue(retry),
                Mirrors = new MirrorOverride(Urls(parsed.GetValue(mirror)), Urls(parsed.GetValue(security)), parsed.GetValue(keyring)),
            };
            return RunAsync(request, parsed.GetRequiredValue(data), parsed.GetValue(folder), parsed.GetValue(dryRun), cancellation);
        });
        return command;
    }

    private static Option<string[]> List(string name, string description) =>
        new(name) { Description = description, AllowMultipleArgumentsPerToken = true };

    private static Uri[] Urls(string[]? texts) => [.. (texts ?? []).Select(t => new Uri(t, UriKind.Absolute))];

    private static async Task<int> RunAsync(CrawlRequest request, string data, string? folder, bool dryRun, CancellationToken cancellation)
    {
        using var logs = new SerilogLoggerFactory(new LoggerConfiguration().MinimumLevel.Warning().WriteTo.Console(standardErrorFromLevel: Serilog.Events.LogEventLevel.Verbose).CreateLogger(), dispose: true);
        try
        {
            using var store = await ArchiveStore.OpenAsync(StoreOptions.FromEnvironment(data), TimeProvider.System, cancellation);
            using var crawls = new CrawlFactory(store, TimeProvider.System, logs, data, null, new SourceFiles(folder));
            await using var progress = CrawlProgress.ForConsole();
            var run = crawls.Create(request.Source);
            if (dryRun)
            {
                var plan = await run.PlanAsync(request, progress, cancellation);
                progress.PrintPlan([.. plan.Todo.Select(t => t.Build)]);
                return plan.Failures.Count > 0 ? SomeFailed : Done;
            }
            var result = await run.RunAsync(request, progress, cancellation);
            progress.PrintResult(result);
            return result.Failed > 0 || result.Error is not null ? SomeFailed : Done;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (Exception e) when (e is CrawlException or IOException or UnauthorizedAccessException or SourceDefinitionException or Archive.Store.Blobs.BlobStoreException
            or System.Data.Common.DbException or FormatException)
        {
            await Console.Error.WriteLineAsync($"crawl: {e.Message}");
            return CrawlFailed;
        }
    }
}
