using System.Text;
using Btf.Format;
using Btf.Text;
using Btf.Text.CSource;
using TestKit;

namespace Btf.Tests.Text;

/// <summary><c>vmlinux.h</c> of real kernels, against bpftool and clang.</summary>
[Trait("Category", "Real")]
public sealed class CDumpKernelTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("bookworm")]
    [InlineData("trixie")]
    [InlineData("arm64")]
    [InlineData("bullseye")]
    public void DefinitionsAreTheTextOfBpftool(string kernel)
    {
        var blob = Open(kernel);
        var text = WithoutModes(Header(blob));

        var definitions = WithoutModes(BpfTool.DumpC(blob.Bytes.ToArray()));

        Assert.True(text.Contains($"__attribute__((weak))\n#endif\n\n{definitions}\n/* BPF kfuncs */", StringComparison.Ordinal));
    }

    /// <summary>clang compiles the header, and its BTF of what it compiled has each struct of the kernel as the kernel has it.</summary>
    [Fact]
    public void CompiledHeaderHasTheLayoutsOfTheKernel()
    {
        var kernel = Open("trixie");
        File.WriteAllText(_folder.File("vmlinux.h"), Header(kernel));
        var wanted = Layouts(kernel);
        Assert.True(wanted.Count > 5_000);
        File.WriteAllText(_folder.File("all.c"), Program(wanted.Keys));

        Tool.Run("clang", "-target", "bpf", "-g", "-O1", "-Wno-everything", "-c", _folder.File("all.c"), "-o", _folder.File("all.o"));

        var compiled = Layouts(BtfFile.Open(_folder.File("all.o")));
        var different = wanted.Where(layout => compiled.GetValueOrDefault(layout.Key) != layout.Value);
        // It holds a va_list, which is each target's own.
        Assert.Equal(["struct warn_args"], different.Select(layout => layout.Key));
    }

    /// <summary>A program as its authors write them: a field by CO-RE, an enumerator, a kfunc.</summary>
    [Fact]
    public void ProgramThatUsesTheHeaderCompiles()
    {
        File.WriteAllText(_folder.File("vmlinux.h"), Header(Open("trixie")));
        File.WriteAllText(_folder.File("use.c"),
            """
            #include "vmlinux.h"
            __attribute__((section("tp_btf/sched_switch"))) int on_switch(__u64 *ctx)
            {
                struct task_struct *task = (void *)ctx[1];
                struct task_struct *held = bpf_task_acquire(task);
                if (held)
                    bpf_task_release(held);
                return task->real_parent->tgid + TCP_LISTEN;
            }
            char LICENSE[] __attribute__((section("license"))) = "GPL";
            """);

        Tool.Run("clang", "-target", "bpf", "-g", "-O2", "-Wall", "-Werror", "-Wno-missing-declarations", "-c", _folder.File("use.c"), "-o", _folder.File("use.o"));

        Assert.NotNull(BtfFile.Open(_folder.File("use.o")).Find(BtfKind.Struct, "task_struct"));
    }

    internal static BtfBlob Open(string kernel) => BtfFile.Open((kernel switch
    {
        "bookworm" => KernelCorpus.BookwormCloudAmd64,
        "trixie" => KernelCorpus.TrixieCloudAmd64,
        "arm64" => KernelCorpus.BookwormCloudArm64,
        _ => KernelCorpus.BullseyeCloudAmd64,
    }).VmlinuxPath);

    /// <summary>Older bpftools leave out what makes an enum a byte or a word wide.</summary>
    private static string WithoutModes(string text) =>
        text.Replace(" __attribute__((mode(byte)))", "", StringComparison.Ordinal).Replace(" __attribute__((mode(word)))", "", StringComparison.Ordinal);

    private static string Header(BtfBlob blob)
    {
        using var text = new StringWriter();
        CDump.Write(blob, text);
        return text.ToString();
    }

    private static string Program(IEnumerable<string> tags) =>
        "#define BPF_NO_PRESERVE_ACCESS_INDEX\n#include \"vmlinux.h\"\n" + string.Concat(tags.Select((tag, i) => $"{tag} v{i};\n"));

    /// <summary>Size and members of each struct and union whose name is there once, by <c>struct name</c>.</summary>
    private static Dictionary<string, string> Layouts(BtfBlob blob)
    {
        var layouts = new Dictionary<string, string>();
        var types = new TypeLayout(blob);
        var once = Tags(blob).GroupBy(type => type.Name, StringComparer.Ordinal).Where(named => named.Count() == 1).Select(named => named.Single());
        foreach (var type in once.Where(type => type.IsComposite))
            layouts.Add($"{(type.Kind == BtfKind.Struct ? "struct" : "union")} {type.Name}", Describe(types, type));
        return layouts;
    }

    private static IEnumerable<BtfType> Tags(BtfBlob blob)
    {
        foreach (var type in blob.Types)
        {
            if ((type.IsComposite || type.IsEnum) && type.NameOffset != 0)
                yield return type;
        }
    }

    private static string Describe(TypeLayout types, in BtfType composite)
    {
        var text = new StringBuilder();
        text.Append(composite.SizeOrType);
        foreach (var member in composite.Members)
        {
            text.Append($" {member.Name}@{member.BitOffset}");
            text.Append(member.BitfieldSize != 0 ? $":{member.BitfieldSize}" : $"+{types.SizeOf(member.TypeId)}");
            var type = types.Resolve(member.TypeId);
            if (type.IsComposite && type.NameOffset == 0)
                text.Append($" {{ {Describe(types, type)} }}");
        }
        return text.ToString();
    }
}
