using Btf.CoRe;
using Btf.Format;

namespace TestKit;

/// <summary>Compiles small programs by clang: objects to be relocated, and "kernels", of which only the BTF counts.</summary>
public sealed class BpfCompiler : IDisposable
{
    private const string Prelude = """
        #define SEC(name) __attribute__((section(name), used))
        #define FIELD_EXISTS(field) __builtin_preserve_field_info(field, 2)
        #define FIELD_SIZE(field) __builtin_preserve_field_info(field, 1)
        #define TYPE_SIZE(type) __builtin_preserve_type_info(*(type *)0, 1)
        #define CORE __attribute__((preserve_access_index))
        typedef unsigned int u32; typedef unsigned long long u64;
        extern int LINUX_KERNEL_VERSION SEC(".kconfig");
        static long (*probe_read)(void *to, u32 size, const void *from) = (void *)113;

        """;

    private readonly TempFolder _folder = new();
    private int _files;

    public BpfObject Object(string source, string options = "") => BpfObject.Open(Compile(source, options));

    public CoreTarget Kernel(string source) => new(BtfFile.Open(Compile(source, "")));

    /// <summary>Path of the compiled object.</summary>
    public string Compile(string source, string options = "")
    {
        var name = $"{++_files}.c";
        var path = _folder.Write(name, Prelude + source);
        Tool.Shell($"{Clang.Command} -g -O2 -target bpf -mcpu=v3 -Wno-everything {options} -c -o '{path}.o' '{path}'");
        return $"{path}.o";
    }

    public void Dispose() => _folder.Dispose();
}
