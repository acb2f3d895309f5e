namespace Btf.CoRe.Compatibility;

/// <summary>A kernel as a report shows it.</summary>
/// <param name="Name">Of one line: <c>debian/12/x86_64 6.1.0-56-amd64</c>, or a file's name.</param>
/// <param name="Branch">Kernels that follow each other: distro, version, arch and flavour.</param>
/// <param name="Digest">SHA-256 of its BTF in hex, or null.</param>
public sealed record ReportKernel(string Name, string Branch, string? Digest);

/// <summary>
/// One object on many kernels. Kernels with equal findings share a class, so a report of ten thousand kernels holds as many findings as
/// there are different ones. Kernels of a branch are added oldest first.
/// </summary>
public sealed class CompatibilityReport(string objectName, CoreLoader loader)
{
    /// <summary>Findings of all classes together: what a report may hold, whatever an upload asks for. Real ones have some hundreds.</summary>
    public const int MaxFindings = 5000;

    private readonly Dictionary<CompatibilityResult, int> _classes = [];
    private readonly List<CompatibilityResult> _results = [];
    private readonly List<ReportRow> _rows = [];
    private int _findings;

    public string ObjectName { get; } = objectName;
    public CoreLoader Loader { get; } = loader;

    /// <summary>Different results, by the first kernel that has them.</summary>
    public IReadOnlyList<CompatibilityResult> Classes => _results;

    /// <summary>In the order in which kernels were added.</summary>
    public IReadOnlyList<ReportRow> Rows => _rows;

    /// <summary>The worst of all.</summary>
    public Verdict Verdict => _results.Count == 0 ? Verdict.Ok : _results.Max(result => result.Verdict);

    public void Add(ReportKernel kernel, CompatibilityResult result)
    {
        if (!_classes.ContainsKey(result) && _findings + result.Findings.Count > MaxFindings)
            result = new(result.Verdict, [], result.Omitted + result.Findings.Count);
        if (!_classes.TryGetValue(result, out var index))
        {
            _classes.Add(result, index = _results.Count);
            _results.Add(result);
            _findings += result.Findings.Count;
        }
        _rows.Add(new(kernel, result.Verdict, index));
    }

    public int Count(Verdict verdict) => _rows.Count(row => row.Verdict == verdict);

    /// <summary>Each branch with its first and last kernel on which the object works.</summary>
    public IReadOnlyList<ReportBranch> Branches() => [.. _rows.GroupBy(row => row.Kernel.Branch).Select(OfBranch)];

    private static ReportBranch OfBranch(IGrouping<string, ReportRow> rows)
    {
        var good = rows.Where(row => row.Verdict != Verdict.Error).Select(row => row.Kernel.Name).ToList();
        return new(rows.Key, rows.Count(), good.Count, good.FirstOrDefault(), good.LastOrDefault(), Changes(rows));
    }

    /// <summary>Where the verdict or its reasons change, oldest first: the first entry is the branch's first kernel.</summary>
    private static List<ReportRow> Changes(IEnumerable<ReportRow> rows)
    {
        var changes = new List<ReportRow>();
        foreach (var row in rows)
        {
            if (changes.Count == 0 || changes[^1].Class != row.Class)
                changes.Add(row);
        }
        return changes;
    }
}

/// <summary>One kernel's line.</summary>
/// <param name="Class">Index in <see cref="CompatibilityReport.Classes"/>.</param>
public sealed record ReportRow(ReportKernel Kernel, Verdict Verdict, int Class);

/// <param name="GoodCount">Kernels without an error.</param>
/// <param name="Changes">The kernels from which on the result is another.</param>
public sealed record ReportBranch(string Name, int KernelCount, int GoodCount, string? FirstGood, string? LastGood, IReadOnlyList<ReportRow> Changes);
