using System.CommandLine;
using Archive.Crawler.Http;
using Archive.Crawler.Imports;
using Archive.Store;

namespace Archive.Crawler.Commands;

/// <summary>
/// <c>import tree PLACE</c> takes over another archive's BTF, <c>import list PLACE</c> a list of kernels that coverage is measured by. Exit
/// status: 0 all went well, 1 files were refused, 2 usage, 3 there is nothing to import, 130 interrupted.
/// </summary>
internal static class ImportCommand
{
    private const int Done = 0, SomeRefused = 1, Failed = 3, Interrupted = 130;

    private static readonly Option<string> Data = new("--data") { Description = "Data directory.", DefaultValueFactory = _ => "data" };

    public static Command Create() => new("import", "Take over what others know: their BTF, or which kernels there are.") { Tree(), List() };

    private static Command Tree()
    {
        var place = new Argument<string>("place") { Description = "Folder (a checkout of btfhub-archive), tar in any compression, URL of one, or base URL of a tree with SHA256SUMS or directory pages." };
        var command = new Command("tree", "Import the .btf.tar.xz files of a tree distro/version/arch/uname, each of them checked.") { place, Data };
        command.SetAction((parsed, cancellation) => GuardAsync(parsed.GetRequiredValue(Data), async imports =>
        {
            var report = await imports.TreeAsync(parsed.GetRequiredValue(place), Console.IsOutputRedirected ? null : new Lines(), cancellation);
            foreach (var problem in report.Problems)
                await Console.Error.WriteLineAsync($"refused: {problem}");
            Console.WriteLine($"{report.Files} files: {report.Published} published, {report.Present} there already, {report.Refused} refused");
            return report.Refused > 0 ? SomeRefused : Done;
        }, cancellation));
        return command;
    }

    private static Command List()
    {
        var place = new Argument<string>("place") { Description = "list.json of falcosecurity/kernel-crawler: file or URL." };
        var arch = new Option<string?>("--arch") { Description = "Whose list it is; by default the architecture in the place's path." };
        var command = new Command("list", "Record the kernels of a list, so that coverage tells which of them are missing.") { place, arch, Data };
        command.SetAction((parsed, cancellation) => GuardAsync(parsed.GetRequiredValue(Data), async imports =>
        {
            var report = await imports.ListAsync(parsed.GetRequiredValue(place), parsed.GetValue(arch), cancellation);
            Console.WriteLine($"{report.Kernels} kernels ({string.Join(", ", report.Distros.Select(d => $"{d.Key} {d.Value}"))}){(report.LeftOut.Count == 0 ? "" : $"; left out, as no distro here: {string.Join(", ", report.LeftOut)}")}");
            return Done;
        }, cancellation));
        return command;
    }

    private static async Task<int> GuardAsync(string data, Func<ArchiveImports, Task<int>> action, CancellationToken cancellation)
    {
        try
        {
            using var store = await ArchiveStore.OpenAsync(StoreOptions.FromEnvironment(data), TimeProvider.System, cancellation);
            using var imports = new ArchiveImports(store, TimeProvider.System);
            return await action(imports);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (Exception e) when (e is CrawlImportException or MirrorException or IOException or UnauthorizedAccessException or Archive.Store.Blobs.BlobStoreException or System.Data.Common.DbException or FormatException)
        {
            await Console.Error.WriteLineAsync($"import: {e.Message}");
            return Failed;
        }
    }

    /// <summary>In order: <see cref="Progress{T}"/> would report from several threads.</summary>
    private sealed class Lines : IProgress<string>
    {
        public void Report(string value) => Console.WriteLine(value);
    }
}
