using Archive.Extractor;
using Archive.Extractor.Packages;
using Archive.Store.Kernels;
using Btf;
using Btf.Format;

namespace Archive.Crawler.Imports;

/// <summary>What must hold of a tarball that others made, before it is served under our name.</summary>
internal static class ImportedBtf
{
    /// <summary>Members of <c>pt_regs</c> that one architecture alone has.</summary>
    private static readonly (string Member, string Arch)[] Registers = [
        ("orig_ax", "x86"), ("orig_rax", "x86"), ("orig_eax", "x86"), ("orig_x0", "arm64"), ("orig_gpr2", "s390x"), ("orig_gpr3", "ppc64le"), ("orig_a0", "riscv64"), ("uregs", "armhf"),
    ];

    /// <exception cref="MalformedInputException">It is no tarball of BTF.</exception>
    /// <exception cref="ValidationException">It is not the BTF of this kernel, or of none.</exception>
    public static ConvertedKernel Read(byte[] tarball, KernelKey key)
    {
        var (name, bytes) = BtfTarball.Unpack(new MemoryStream(tarball));
        if (name != $"{key.Uname}.btf")
            throw new ValidationException($"uname: the tarball has '{name}', its place says '{key.Uname}'");
        var kernel = new ConvertedKernel(bytes, new KernelFacts { Arch = key.Arch, Release = key.Uname, ShipsBtf = false, TakenFrom = BtfSource.Btf });
        PublicationChecks.Check(kernel, key.Uname);
        if (ArchOf(kernel.Btf) is { } arch && arch != key.Arch)
            throw new ValidationException($"arch: the registers are of {arch}, its place says {key.Arch}");
        return kernel;
    }

    /// <summary>By byte order and the names of the registers; null where neither tells.</summary>
    private static string? ArchOf(BtfBlob btf)
    {
        if (btf.IsBigEndian)
            return "s390x";
        var members = MembersOf(btf, "pt_regs");
        var family = Registers.FirstOrDefault(r => members.Contains(r.Member)).Arch;
        return family == "x86" ? btf.PointerSize == 8 ? "x86_64" : "i386" : family;
    }

    /// <summary>Of all structs of the name, those of nameless structs and unions in them included.</summary>
    private static HashSet<string> MembersOf(BtfBlob btf, string name)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in btf.Find(name).Where(id => btf[id].Kind == BtfKind.Struct))
            Collect(btf, id, found, 0);
        return found;
    }

    private static void Collect(BtfBlob btf, uint id, HashSet<string> found, int depth)
    {
        if (depth > 4 || btf[id].Kind is not (BtfKind.Struct or BtfKind.Union))
            return;
        foreach (var member in btf[id].Members)
        {
            var name = member.Name;
            if (name.Length > 0)
                found.Add(name);
            else
                Collect(btf, member.TypeId, found, depth + 1);
        }
    }
}
