using System.Globalization;

namespace TestKit;

/// <summary>
/// What the distribution's cilium/ebpf makes of relocations (<c>Native/relocations.go</c>). Bookworm's 0.9 does not know ENUM64, nor
/// TYPE_MATCHES.
/// </summary>
public static class CiliumOracle
{
    private static readonly Lazy<string> Program = new(() =>
        NativeProgram.Of("relocations.go", "GO111MODULE=off GOFLAGS= GOPATH=/usr/share/gocode GOCACHE=$PWD/cache go build -o program relocations.go && rm -rf cache"));

    /// <param name="Instruction">In the function; -1 for what the program as a whole came to.</param>
    /// <param name="Result"><c>byte_off=8->16</c>, <c>byte_off=poison</c>, or, of the whole program, an error.</param>
    public sealed record Row(string Object, string Program, string Function, int Instruction, string Result);

    /// <summary>Of every relocation of every program, functions that it calls included.</summary>
    public static IEnumerable<Row> Resolve(string btf, IEnumerable<string> objects) =>
        from line in Tool.Run(Program.Value, [btf, .. objects]).Split('\n', StringSplitOptions.RemoveEmptyEntries)
        let parts = line.Split('\t', 5)
        select new Row(parts[0], parts[1], parts[2], int.Parse(parts[3], CultureInfo.InvariantCulture), parts[4]);
}
