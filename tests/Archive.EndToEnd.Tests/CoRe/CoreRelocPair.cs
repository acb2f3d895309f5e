using System.Runtime.InteropServices;
using Btf.Format;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>A case of the kernel's selftest of CO-RE with its two objects, run in the machine's own kernel.</summary>
internal sealed record CoreRelocPair(CoreRelocCase Case, string ObjectPath, string BtfPath)
{
    /// <summary>Named types whose ids the program of <c>type_id</c> writes, after six of types without a name.</summary>
    private static readonly (BtfKind Kind, string Name)[] Named =
    [
        (BtfKind.Struct, "a_struct"), (BtfKind.Union, "a_union"), (BtfKind.Enum, "an_enum"), (BtfKind.Int, "int"),
        (BtfKind.Typedef, "named_struct_typedef"), (BtfKind.Typedef, "func_proto_typedef"), (BtfKind.Typedef, "arr_typedef"),
    ];

    private static readonly BtfKind[] Nameless = [BtfKind.Struct, BtfKind.Union, BtfKind.Enum, BtfKind.Ptr, BtfKind.Ptr, BtfKind.Array];

    public static IEnumerable<CoreRelocPair> All()
    {
        var paths = BpfObjectCorpus.Selftests.ToDictionary(file => Path.GetFileNameWithoutExtension(file.Path), file => file.Path, StringComparer.Ordinal);
        return CoreRelocCase.All.Select(test => new CoreRelocPair(test, paths[test.Object], paths[test.Btf]));
    }

    /// <summary>Runs the program with some BTF in the kernel's place.</summary>
    /// <returns>Null if it did what the table says, else what it did instead.</returns>
    public string? Try(string btf)
    {
        var output = BpfLoader.Run(Case, ObjectPath, btf);
        if (Case.Fails || output is null)
            return Case.Fails == output is null ? null : $"{Case}: loading {(Case.Fails ? "should have failed" : "failed")}";
        var isRight = Case.Ids == "none" ? output == Case.Output : AreIds(Convert.FromHexString(output), BtfFile.Open(ObjectPath), BtfFile.Open(btf));
        return isRight ? null : $"{Case}: {output} instead of {Case.Output}";
    }

    private bool AreIds(ReadOnlySpan<byte> output, BtfBlob local, BtfBlob target)
    {
        var ids = MemoryMarshal.Cast<byte, uint>(output).ToArray();
        var wanted = Named.Select(type => Find(local, type)).Concat(Named.Select(type => Case.Ids == "all" ? Find(target, type) : 0));
        return ids[..Nameless.Length].Select(id => local[id].Kind).SequenceEqual(Nameless) && ids[Nameless.Length..].SequenceEqual(wanted);
    }

    private static uint Find(BtfBlob blob, (BtfKind Kind, string Name) type) => blob.Find(type.Kind, type.Name)?.Id ?? 0;
}
