namespace TestKit;

/// <summary>
/// A small static program over the distribution's libbpf that loads objects into the running kernel with BTF from a file
/// (<c>Native/loader.c</c>, where its commands are described). It wants root, and works in a guest without anything else.
/// </summary>
public static class BpfLoader
{
    private static readonly Lazy<string> Program = new(() => NativeProgram.Of("loader.c", "gcc -O1 -w -static loader.c -o program -lbpf -lelf -lz"));

    public static string ProgramPath => Program.Value;

    /// <summary>What a selftest's program writes, as hex; null if libbpf or the kernel does not take the object.</summary>
    /// <param name="btf">Path of BTF, raw or in an ELF file.</param>
    public static string? Run(CoreRelocCase test, string objectPath, string btf)
    {
        var size = (test.Output?.Length / 2) ?? 0;
        var result = Tool.Try(ProgramPath, ["run", objectPath, btf, test.Program, test.Tracepoint ?? "-", test.Input ?? "", $"{size}"]);
        return result.Status switch
        {
            0 => result.Output.Trim(),
            1 when result.Output.TrimEnd().EndsWith("load", StringComparison.Ordinal) => null,
            _ => throw new InvalidOperationException($"{test}: {result.Output}{result.Errors}"),
        };
    }
}
