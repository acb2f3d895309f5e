using System.Text.Json;

namespace TestKit;

/// <summary>
/// One case of the kernel's selftest of CO-RE: a program, the BTF to relocate it for, and what it then does. The table is what
/// <c>make-core-reloc-cases</c> prints for Linux 6.1.
/// </summary>
/// <param name="Object">Name of the program's object among <see cref="BpfObjectCorpus.Selftests"/>.</param>
/// <param name="Btf">Name of the object whose BTF plays the kernel's.</param>
/// <param name="Tracepoint">Where the program is attached; null if its section says so.</param>
/// <param name="Input">Hex, of what the program reads; null or empty if nothing.</param>
/// <param name="Output">Hex, of what it has to write; null if it cannot be loaded.</param>
/// <param name="Ids">Whether the output holds type ids: of the object (<c>local</c>), of the BTF too (<c>all</c>), or <c>none</c>.</param>
public sealed record CoreRelocCase(
    string Name, string Object, string Btf, string Program, string? Tracepoint, string? Input, string? Output, bool Fails, string Ids)
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static readonly Lazy<IReadOnlyList<CoreRelocCase>> Table = new(() =>
    {
        using var json = typeof(CoreRelocCase).Assembly.GetManifestResourceStream("CoreRelocCases.json")!;
        return JsonSerializer.Deserialize<CoreRelocCase[]>(json, Options)!;
    });

    public static IReadOnlyList<CoreRelocCase> All => Table.Value;

    public override string ToString() => Name;
}
