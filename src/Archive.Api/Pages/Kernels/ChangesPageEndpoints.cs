using Archive.Api.Kernels;
using Archive.Api.Pages.Coverage;
using Archive.Api.Pages.Types;
using Archive.Store.Kernels;
using Btf.Text.Changes;

namespace Archive.Api.Pages.Kernels;

/// <summary>What changed from one kernel to another.</summary>
public static class ChangesPageEndpoints
{
    private const int ChangePage = 60;

    /// <summary>What takes longer is looked for again by the page.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(20);
    private const int Steps = 3;

    public static void MapChangesPage(this WebApplication app) =>
        app.Pages().MapGet("/kernels/{distro}/{version}/{arch}/{uname}/changes", GetAsync).RequireRateLimiting(PagePolicy.Work);

    private static async Task<IResult> GetAsync(
        HttpContext context, string distro, string version, string arch, string uname, KernelIndex index, KernelRoster rosters, KernelDifferences differences)
    {
        var (cancellation, query) = (context.RequestAborted, context.Request.Query);
        if (KernelNames.Key(distro, version, arch, uname) is not { } key || await TypePageEndpoints.PublicationOf(index, key, cancellation) is not { } publication)
            return KernelPageEndpoints.NoKernel(distro, version, arch, uname);
        var model = new ChangesModel(
            key, null, [.. (await TypePageEndpoints.OthersOf(key, rosters, cancellation)).Where(other => other != key)], query["q"].ToString().Trim(),
            CoveragePageEndpoints.Text(query["kind"]), CoveragePageEndpoints.Text(query["change"]), false, [], [], CoveragePageEndpoints.PageOf(query), false, null);
        if (CoveragePageEndpoints.Text(query["with"]) is not { } with)
            return Page.Of<ChangesPage>(model);
        if (with.Split('/') is not [var d, var v, var a, var u] || KernelNames.Key(d, v, a, u) is not { } otherKey || await TypePageEndpoints.PublicationOf(index, otherKey, cancellation) is not { } other)
            return Page.Of<ChangesPage>(model with { Problem = $"There is no BTF of {(with.Length > 200 ? with[..200] + "…" : with)}." });
        return Page.Of<ChangesPage>(await CompareAsync(model with { Other = otherKey }, publication, other, differences, cancellation));
    }

    private static async Task<ChangesModel> CompareAsync(ChangesModel model, Publication older, Publication newer, KernelDifferences differences, CancellationToken cancellation)
    {
        var changes = differences.FindAll(older, newer, out var isWaiting);
        for (var i = 0; i < Steps && changes is null && isWaiting; i++)
        {
            await Task.Delay(Step, cancellation);
            changes = differences.FindAll(older, newer, out isWaiting);
        }
        if (changes is null)
            return model with { IsWaiting = isWaiting, Problem = isWaiting ? null : "Too many comparisons wait already. Try again in some seconds." };
        var all = changes.All.ToList();
        var chosen = all.Where(change => (model.Kind is null || change.Kind == model.Kind) && (model.Class is null || Word(change.Change) == model.Class)
            && change.Name.Contains(model.Text, StringComparison.OrdinalIgnoreCase)).ToList();
        return model with
        {
            Counts = [.. all.CountBy(change => (change.Kind, change.Change)).Select(count => (count.Key.Kind, count.Key.Change, count.Value)).OrderBy(count => count.Kind, StringComparer.Ordinal).ThenBy(count => count.Change)],
            Changes = [.. chosen.Skip((model.Page - 1) * ChangePage).Take(ChangePage)],
            HasMore = chosen.Count > model.Page * ChangePage,
        };
    }

    internal static string Word(ChangeClass change) => change.ToString().ToLowerInvariant();
}
