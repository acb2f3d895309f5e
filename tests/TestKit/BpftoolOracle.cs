using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace TestKit;

/// <summary>
/// <c>bpftool gen min_core_btf</c>, which other implementations are measured by. Its answers are kept in the cache by digest of
/// what they are for, so that a run over thousands of pairs is dear once. <c>BPFTOOL</c> in the environment names another one than the host's.
/// </summary>
public static class BpftoolOracle
{
    private static readonly ConcurrentDictionary<string, string> Digests = new(StringComparer.Ordinal);
    private static readonly string Program = Environment.GetEnvironmentVariable("BPFTOOL") is { Length: > 0 } set ? set : "bpftool";
    private static readonly Lazy<string> Version = new(() => Tool.Run(Program, "version"));

    /// <param name="Btf">Null if it failed.</param>
    /// <param name="Problem">Its message then.</param>
    public sealed record Answer(byte[]? Btf, string Problem);

    /// <param name="kernel">Path of raw BTF, or of an ELF file with a section of it.</param>
    /// <param name="objects">Paths. bpftool takes those of the machine's byte order only.</param>
    public static Answer MinimalBtf(string kernel, params string[] objects)
    {
        var key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Version.Value + string.Join('\n', objects.Prepend(kernel).Select(Digest)))));
        var stem = Path.Combine(TestCache.Folder("min-core-btf", key[..2]), key);
        if (File.Exists(stem + ".btf"))
            return new(File.ReadAllBytes(stem + ".btf"), "");
        if (File.Exists(stem + ".error"))
            return new(null, File.ReadAllText(stem + ".error"));
        var answer = Ask(kernel, objects);
        Keep(stem, answer);
        return answer;
    }

    private static Answer Ask(string kernel, string[] objects)
    {
        using var folder = new TempFolder();
        var result = Tool.Try(Program, ["gen", "min_core_btf", kernel, folder.File("min.btf"), .. objects]);
        return result.Status == 0 ? new(File.ReadAllBytes(folder.File("min.btf")), "") : new(null, result.Errors + result.Output);
    }

    /// <summary>Other processes may be at the same, with the same result.</summary>
    private static void Keep(string stem, Answer answer)
    {
        var temporary = $"{stem}.{Guid.NewGuid():n}";
        if (answer.Btf is { } btf)
            File.WriteAllBytes(temporary, btf);
        else
            File.WriteAllText(temporary, answer.Problem);
        File.Move(temporary, stem + (answer.Btf is null ? ".error" : ".btf"), overwrite: true);
    }

    private static string Digest(string path) => Digests.GetOrAdd($"{path} {File.GetLastWriteTimeUtc(path).Ticks}", _ =>
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    });
}
