namespace Archive.Store.Kernels;

/// <summary>Outcomes as the catalogue stores them and the API shows them (DESIGN: Outcomes).</summary>
public static class OutcomeNames
{
    private static readonly Dictionary<Outcome, string> Names = new()
    {
        [Outcome.Pending] = "pending",
        [Outcome.Published] = "published",
        [Outcome.NoDebugInfo] = "no-debug-info",
        [Outcome.DownloadFailed] = "download-failed",
        [Outcome.SignatureFailed] = "signature-failed",
        [Outcome.Malformed] = "malformed",
        [Outcome.Unsupported] = "unsupported",
        [Outcome.Conflict] = "conflict",
        [Outcome.Withdrawn] = "withdrawn",
        [Outcome.Native] = "native",
    };

    private static readonly Dictionary<string, Outcome> Outcomes =
        Names.ToDictionary(pair => pair.Value, pair => pair.Key, StringComparer.OrdinalIgnoreCase);

    public static string Text(this Outcome outcome) => Names[outcome];

    /// <summary>The outcome of this name, or null.</summary>
    public static Outcome? Find(string? name) =>
        name is not null && Outcomes.TryGetValue(name, out var outcome) ? outcome : null;
}
