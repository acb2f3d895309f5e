using System.Security.Cryptography;

namespace TestKit;

/// <summary>Programs of other languages that come with the tests as source (<c>Native/</c>), compiled once and kept in the cache.</summary>
internal static class NativeProgram
{
    /// <param name="source">The file in <c>Native/</c>.</param>
    /// <param name="command">Compiles, in a folder that has the source, to a program called <c>program</c>.</param>
    /// <returns>The program's path.</returns>
    public static string Of(string source, string command)
    {
        using var stream = typeof(NativeProgram).Assembly.GetManifestResourceStream(source)!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        var key = Convert.ToHexStringLower(SHA256.HashData([.. bytes.ToArray(), .. System.Text.Encoding.UTF8.GetBytes(command)]))[..16];
        var folder = TestCache.Made($"native-{Path.GetFileNameWithoutExtension(source)}", key, folder =>
        {
            File.WriteAllBytes(Path.Combine(folder, source), bytes.ToArray());
            Tool.Shell($"cd '{folder}' && {command}");
        });
        return Path.Combine(folder, "program");
    }
}
