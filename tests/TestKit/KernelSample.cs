namespace TestKit;

/// <summary>A program that looks like a kernel to the archive: it has a banner, task_struct and sk_buff, DWARF, and a .BTF section if wanted.</summary>
public static class KernelSample
{
    /// <param name="release">What its banner says.</param>
    /// <param name="marker">Makes images differ: a struct of this name is in it.</param>
    /// <param name="more">Further C.</param>
    public static void Build(string image, string release, string marker = "marker", bool withBtf = true, string more = "")
    {
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        using var folder = new TempFolder();
        var source = folder.File("kernel.c");
        File.WriteAllText(source, Source(release, marker) + more);
        Tool.Run("gcc", "-g", "-w", "-nostdlib", "-static", "-Wl,-etask", "-Wl,--build-id", "-o", image, source);
        if (withBtf)
            Tool.Run("pahole", "-J", "--btf_gen_floats", image);
    }

    /// <summary>A module with a struct of its own name and one of the kernel's.</summary>
    /// <param name="kernel">What its split BTF is to be on; null for a module with DWARF alone.</param>
    public static void BuildModule(string file, string? kernel)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using var folder = new TempFolder();
        var source = folder.File("module.c");
        var name = Path.GetFileNameWithoutExtension(file);
        File.WriteAllText(source, $"struct a_type_with_quite_a_long_name_7;\nstruct only_of_{name} {{ int value; struct a_type_with_quite_a_long_name_7 *of_the_kernel; }} state;\n");
        Tool.Run("gcc", "-g", "-w", "-c", "-o", file, source);
        if (kernel is not null)
            Tool.Run("pahole", "-J", "--btf_base", kernel, file);
    }

    /// <summary>Enough types that the result is as large as the smallest kernel's BTF that is believed.</summary>
    private static string Source(string release, string marker)
    {
        var text = new System.Text.StringBuilder();
        text.Append($"const char linux_banner[] = \"Linux version {release} (test@example.org) (gcc) #1 SMP\\n\";\n");
        text.Append("struct task_struct { long state; char comm[16]; void *stack; int pid; char rest[4000]; } task;\n");
        text.Append("struct sk_buff { struct sk_buff *next, *prev; unsigned int len, data_len; char cb[48]; char rest[120]; } buffer;\n");
        text.Append($"struct {marker} {{ int value; }} marked;\n");
        for (var i = 0; i < 2500; i++)
            text.Append($"struct a_type_with_quite_a_long_name_{i} {{ int member_of_type_number_{i}; struct a_type_with_quite_a_long_name_{i} *next_of_type_number_{i}; }} variable_{i};\n");
        return text.ToString();
    }
}
