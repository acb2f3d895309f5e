using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>
/// C source of every type: <c>vmlinux.h</c>, the text of <c>bpftool btf dump file FILE format c unsorted</c>.
/// </summary>
/// <remarks>
/// C wants each type declared before it is used, and defined before it is embedded; BTF has types in any order, with cycles through
/// pointers. Example: <c>struct a { struct b *p; struct c in; }</c> and <c>struct b { struct a *back; }</c> become
/// struct c, <c>struct b;</c>, struct a, struct b.
/// <list type="number">
/// <item><see cref="DefinitionOrder"/> lists the definitions that have to stand before a type: depth first, what is embedded strongly,
/// what is pointed to not at all, unless it has no name and so is written in place.</item>
/// <item><see cref="Definitions"/> writes each of the list, and right before it <c>struct b;</c> for what it points to that
/// has not been seen.</item>
/// <item><see cref="Declarators"/> turns a chain of pointers, arrays and prototypes inside out, as C wants it, and writes bodies: padding
/// by <see cref="BitPadding"/>, packed structs by <see cref="TypeLayout"/>.</item>
/// <item><see cref="CNames"/>: two types of one name in C's one namespace: the second becomes <c>name___2</c>, which CO-RE takes for a flavour
/// of the same type.</item>
/// </list>
/// What bytes can ask for is bounded in <see cref="CText"/>: anonymous types within anonymous types can unfold without end.
/// </remarks>
public static class CDump
{
    /// <param name="blob">Of split BTF the base is written too: a header that compiles.</param>
    /// <param name="output">The text goes here as it is made, lines ending in <c>\n</c>.</param>
    /// <exception cref="BtfFormatException">An id or a name is out of range, a type contains itself, or types nest without end.</exception>
    public static void Write(BtfBlob blob, TextWriter output)
    {
        var text = new CText(output, blob);
        text.Write(Head);
        var declarators = new Declarators(text, new TypeLayout(blob), new CNames(blob));
        WriteTypes(blob, AllOf(blob), text, declarators);
        Kfuncs.Write(blob, text, declarators);
        text.Write(Tail);
        text.Flush();
    }

    /// <summary>Some types, with what has to stand before them, and nothing around it.</summary>
    /// <param name="ids">Of the types; one without a definition, such as a pointer, brings what it needs.</param>
    /// <exception cref="BtfFormatException">As of the whole.</exception>
    public static void Write(BtfBlob blob, IEnumerable<uint> ids, TextWriter output)
    {
        var text = new CText(output, blob);
        WriteTypes(blob, ids, text, new Declarators(text, new TypeLayout(blob), new CNames(blob)));
        text.Flush();
    }

    private static IEnumerable<uint> AllOf(BtfBlob blob)
    {
        for (uint id = 1; id < blob.EndId; id++)
            yield return id;
    }

    private static void WriteTypes(BtfBlob blob, IEnumerable<uint> ids, CText text, Declarators declarators)
    {
        var definitions = new Definitions(text, blob, declarators);
        var order = new DefinitionOrder(blob, text.Work);
        foreach (var id in ids)
        {
            foreach (var next in order.Before(id))
                definitions.Define(next);
        }
    }

    private const string Head =
        """
        #ifndef __VMLINUX_H__
        #define __VMLINUX_H__

        #ifndef BPF_NO_PRESERVE_ACCESS_INDEX
        #pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
        #endif

        #ifndef __ksym
        #define __ksym __attribute__((section(".ksyms")))
        #endif

        #ifndef __weak
        #define __weak __attribute__((weak))
        #endif


        """;

    private const string Tail =
        """
        #ifndef BPF_NO_PRESERVE_ACCESS_INDEX
        #pragma clang attribute pop
        #endif

        #endif /* __VMLINUX_H__ */

        """;
}
