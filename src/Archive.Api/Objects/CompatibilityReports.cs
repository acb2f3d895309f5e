using Btf.CoRe;
using Btf.CoRe.Compatibility;

namespace Archive.Api.Objects;

/// <summary>Asks kernels whether objects load and attach on them: what the API answers at once and pages in the background.</summary>
public sealed class CompatibilityReports(KernelMinimizer minimizer, KernelInventories inventories)
{
    /// <summary>A report for each object, kernels in their order.</summary>
    /// <param name="progress">Told how many kernels have answered.</param>
    /// <exception cref="BadHttpRequestException">An object cannot be checked; the message names it.</exception>
    public async Task<List<CompatibilityReport>> MakeAsync(
        IReadOnlyList<UploadedObject> objects, CoreLoader loader, IReadOnlyList<SelectedKernel> kernels, ModuleSelection modules, Action<int>? progress, CancellationToken cancellation)
    {
        var checks = objects.Select(item => Checked(item, loader)).ToList();
        var reports = objects.Select(item => new CompatibilityReport(item.Name, loader)).ToList();
        var done = 0;
        await foreach (var (kernel, results, problem) in minimizer.AskAsync(kernels, modules, (kernel, target) => CheckAsync(checks, kernel, target, cancellation), cancellation))
        {
            var shown = Shown(kernel);
            for (var i = 0; i < reports.Count; i++)
                reports[i].Add(shown, results is null ? Unanswered(problem!) : results[i]);
            progress?.Invoke(++done);
        }
        return reports;
    }

    public static ReportKernel Shown(SelectedKernel kernel) => new(kernel.Key.ToString(), kernel.Branch, kernel.Publication.Raw.Sha256);

    /// <summary>Where BTF knows no function of a name, the inventory may: it is asked only then.</summary>
    private async Task<List<CompatibilityResult>> CheckAsync(List<CompatibilityCheck> checks, SelectedKernel kernel, CoreTarget target, CancellationToken cancellation)
    {
        var results = checks.ConvertAll(check => check.Check(target, kernel.Version));
        var isExplainable = results.Exists(result => result.Findings.Any(finding => finding.Code is "no-function" or "no-described-function"));
        return isExplainable && await inventories.FindAsync(kernel.Publication, cancellation) is { } functions
            ? checks.ConvertAll(check => check.Check(target, kernel.Version, functions))
            : results;
    }

    private static CompatibilityCheck Checked(UploadedObject item, CoreLoader loader)
    {
        try
        {
            return new CompatibilityCheck(item.Object, loader);
        }
        catch (Btf.MalformedInputException defect)
        {
            throw new BadHttpRequestException($"{item.Name}: {defect.Message}", defect);
        }
    }

    private static CompatibilityResult Unanswered(string problem) =>
        new(Verdict.Error, [new Finding(Verdict.Error, "not-checked", "", "", -1, "", "", "kernel", "", problem)]);
}
