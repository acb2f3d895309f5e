using System.Runtime.CompilerServices;

namespace Benchmarks;

/// <summary>The <c>extract</c> command as it is shipped: published, compiled ahead of time where the runtime can (ReadyToRun).</summary>
internal static class ExtractorCommand
{
    /// <summary>Publishes the command of this checkout.</summary>
    /// <param name="folder">Takes the program in <c>bin</c>, and what the build leaves beside it.</param>
    /// <returns>Path of the program.</returns>
    public static string Publish(string folder)
    {
        var program = Path.Combine(folder, "bin");
        // Artifacts and lock file go elsewhere: a runtime identifier changes both, and the checkout stays as it is.
        ChildProcess.Run(
        [
            "dotnet", "publish", Path.Combine(Checkout(), "src", "Archive.Extractor"), "-v", "quiet", "--nologo",
            "-c", "Release", "-r", "linux-x64", "--self-contained", "false", "-p:PublishReadyToRun=true",
            "-p:NuGetLockFilePath=obj/publish.lock.json", "--artifacts-path", Path.Combine(folder, "artifacts"), "-o", program,
        ]);
        return Path.Combine(program, "Archive.Extractor");
    }

    private static string Checkout([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
