namespace Fuzz;

/// <summary>The failures of a campaign: one minimised file for each way to fail.</summary>
internal sealed class Crashers(Action<string> say)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    public int Count => _known.Count;

    public void Take(FuzzTarget target, byte[] input, Execution execution)
    {
        lock (_lock)
        {
            if (!_known.Add($"{target.Name}: {execution.Signature}"))
                return;
        }
        Save(target, Minimizer.Shrink(target, input, execution.Signature), execution.Signature, execution.Problem ?? "");
    }

    /// <summary>An input that cannot be tried again: it ends the process, or never ends.</summary>
    public void TakeFatal(FuzzTarget target, byte[] input, string how) => Save(target, input, how, "");

    private void Save(FuzzTarget target, byte[] input, string signature, string problem)
    {
        var folder = Directory.CreateDirectory(FuzzFolders.CrashersOf(target.Name)).FullName;
        var name = new string([.. signature.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]).ToLowerInvariant();
        var path = Path.Combine(folder, $"{name}-{Corpus.NameOf(input)}");
        File.WriteAllBytes(path, input);
        say($"FAILED {target.Name}: {signature}\n{problem}\n  saved as {path}, {input.Length} bytes");
    }
}
