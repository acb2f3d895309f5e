using System.Text.RegularExpressions;

namespace TestKit;

/// <summary>The clang that BPF objects are compiled by.</summary>
internal static partial class Clang
{
    /// <summary>Type matching and ENUM64 want it.</summary>
    private const int Oldest = 15;

    private static readonly Lazy<string> Found = new(() =>
        ((string[])["clang-16", "clang-17", "clang-18", "clang-19", "clang", "clang-20", "clang-21"]).FirstOrDefault(IsGoodEnough)
        ?? throw new InvalidOperationException($"no clang of version {Oldest} or newer is installed"));

    public static string Command => Found.Value;

    private static bool IsGoodEnough(string clang)
    {
        var found = Tool.Try("bash", ["-c", $"{clang} --version"]);
        return found.Status == 0 && int.Parse(Version().Match(found.Output).Groups[1].ValueSpan, provider: null) >= Oldest;
    }

    [GeneratedRegex(@"version (\d+)")]
    private static partial Regex Version();
}
