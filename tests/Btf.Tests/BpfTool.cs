using System.Diagnostics;

namespace Btf.Tests;

/// <summary>The real <c>bpftool</c>.</summary>
internal static class BpfTool
{
    public static string DumpRaw(byte[] btf)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, btf);
            return DumpRaw(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static string DumpRaw(string path)
    {
        // Debian keeps it in /usr/sbin, which is not on every user's path.
        var tool = File.Exists("/usr/sbin/bpftool") ? "/usr/sbin/bpftool" : "bpftool";
        using var process = Process.Start(new ProcessStartInfo(tool, ["btf", "dump", "file", path, "format", "raw"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return text;
    }
}
