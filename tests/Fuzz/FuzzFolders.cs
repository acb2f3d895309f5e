using System.Runtime.CompilerServices;

namespace Fuzz;

/// <summary>The corpus and the crashers, in the checkout that this was built from.</summary>
internal static class FuzzFolders
{
    /// <summary>Inputs that the campaigns start from, and that the tests replay.</summary>
    public static string CorpusOf(string target) => Path.Combine(Root(), "corpus", target);

    /// <summary>Inputs that once failed.</summary>
    public static string CrashersOf(string target) => Path.Combine(Root(), "crashers", target);

    /// <summary>The files of a folder by name; none where there is no such folder.</summary>
    public static IEnumerable<string> FilesOf(string folder) =>
        Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal) : [];

    private static string Root([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
