using System.Runtime.CompilerServices;

namespace Benchmarks;

/// <summary>A program of ours as it is shipped: self-contained, compiled ahead of time together with the framework (ReadyToRun).</summary>
internal static class PublishedProgram
{
    /// <summary>Publishes a program of this checkout.</summary>
    /// <param name="project">Its folder under <c>src</c>, and its name: <c>Archive.Extractor</c>.</param>
    /// <param name="folder">Takes the program in a folder of its name, and what the build leaves beside it.</param>
    /// <returns>Path of the program.</returns>
    public static string Publish(string project, string folder)
    {
        var program = Path.Combine(folder, project);
        // Artifacts and lock file go elsewhere: a runtime identifier changes both, and the checkout stays as it is.
        ChildProcess.Run(
        [
            "dotnet", "publish", Path.Combine(Checkout(), "src", project), "-v", "quiet", "--nologo",
            "-c", "Release", "-r", "linux-x64", "--self-contained", "true", "-p:PublishReadyToRun=true",
            "-p:NuGetLockFilePath=obj/publish.lock.json", "--artifacts-path", Path.Combine(folder, "artifacts"), "-o", program,
        ]);
        return Path.Combine(program, project);
    }

    private static string Checkout([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
