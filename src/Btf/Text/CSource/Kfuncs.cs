using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>Prototypes of the kernel functions that BPF programs may call: those with the DECL_TAG <c>bpf_kfunc</c> (pahole 1.26).</summary>
internal static class Kfuncs
{
    private const string Head = "\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n";

    public static void Write(BtfBlob blob, CText text, Declarators declarators)
    {
        text.Write(Head);
        for (uint id = 1; id < blob.EndId; id++)
        {
            var tag = blob[id];
            if (tag.Kind == BtfKind.DeclTag && tag.NameBytes.SequenceEqual("bpf_kfunc"u8) && blob[tag.SizeOrType].Kind == BtfKind.Func)
                Write(blob[tag.SizeOrType], text, declarators);
        }
        text.Write("#endif\n\n");
    }

    private static void Write(in BtfType function, CText text, Declarators declarators)
    {
        text.Write("extern ");
        declarators.Write(function.SizeOrType, function.NameBytes, 0, 0);
        text.Write(" __weak __ksym;\n");
    }
}
