using System.Diagnostics;

namespace Btf.Tests;

/// <summary>The real <c>bpftool</c>.</summary>
internal static class BpfTool
{
    public static string DumpRaw(byte[] btf) => OfFile(btf, DumpRaw);

    public static string DumpRaw(string path) => Dump(path, "raw");

    /// <summary>The definitions of <c>format c</c>: what bpftool writes around them differs from version to version.</summary>
    public static string DumpC(byte[] btf) => OfFile(btf, path =>
    {
        const string head = "apply_to = record)\n#endif\n\n", tail = "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop";
        var text = Dump(path, "c");
        var start = text.IndexOf(head, StringComparison.Ordinal) + head.Length;
        return text[start..text.IndexOf(tail, StringComparison.Ordinal)];
    });

    private static string OfFile(byte[] btf, Func<string, string> dump)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, btf);
            return dump(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string Dump(string path, string format)
    {
        // Debian keeps it in /usr/sbin, which is not on every user's path.
        var tool = File.Exists("/usr/sbin/bpftool") ? "/usr/sbin/bpftool" : "bpftool";
        using var process = Process.Start(new ProcessStartInfo(tool, ["btf", "dump", "file", path, "format", format]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return text;
    }
}
