using System.Diagnostics;
using System.Globalization;
using Archive.Extractor.Packages;
using Btf.Dedup;
using Btf.Format;

namespace Archive.Extractor.Commands;

/// <summary>How the BTF of modules is written.</summary>
internal enum ModuleForm
{
    /// <summary>Each on the kernel's BTF.</summary>
    Split,

    /// <summary>Each with a base of its own, beside it as <c>.base</c>.</summary>
    Distilled,

    /// <summary>Split, and all of them with the kernel in one file.</summary>
    Flattened,
}

/// <summary>One run of the command: from the input to the written output and a line about it.</summary>
internal sealed record ExtractJob(string Input, string Output, string WorkFolder, ConversionOptions Conversion)
{
    private const string TarballExtension = ".btf.tar.xz";

    /// <summary>No module's name: those have no dash.</summary>
    private const string FlattenedName = "vmlinux-flattened.btf";

    /// <summary>Where the modules' BTF goes; null if it is not wanted.</summary>
    public string? ModulesFolder { get; init; }

    public ModuleForm ModuleForm { get; init; }

    /// <summary>Where the inventory goes; null if it is not wanted.</summary>
    public string? InventoryPath { get; init; }

    public static ExtractJob Of(FileInfo input, FileInfo output, DirectoryInfo? work, ConversionOptions conversion) =>
        new(input.FullName, output.FullName, work?.FullName ?? output.DirectoryName!, conversion);

    /// <summary>The package that has them; null if it is the kernel's.</summary>
    public string? ModulesPackage { get; init; }

    /// <summary>Extracts, checks, writes; the summary of it.</summary>
    public string Run(IProgress<ExtractionProgress> progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var extractor = new KernelExtractor(WorkFolder, Conversion);
        var (packageUname, kernel) = extractor.ExtractFile(Input, progress, cancellation);
        PublicationChecks.Check(kernel, packageUname);
        var bytes = Pack(kernel);
        WriteAtomically(Output, bytes);
        if (InventoryPath is not null && kernel.Inventory is { } inventory)
            WriteAtomically(InventoryPath, InventoryPath.EndsWith(".xz", StringComparison.Ordinal) ? inventory.WriteCompressed(Conversion.Threads) : inventory.Write());
        var modules = ModulesFolder is null ? "" : ExtractModules(ModulesFolder, kernel, cancellation);
        return Summary(kernel, bytes.Length, clock.Elapsed) + modules;
    }

    /// <summary>A second reading of the package: the kernel is its base, and is at its beginning.</summary>
    private string ExtractModules(string folder, ConvertedKernel kernel, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var limits = ExtractionLimits.Default;
        using var package = new FileStream(ModulesPackage ?? Input, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var modules = new List<ModuleBtf>();
        var found = new ModuleConverter(kernel, Conversion).Convert(
            PackageModules.Read(package, limits, Conversion.Threads, cancellation), modules.Add, cancellation);
        foreach (var module in modules)
            WriteModule(folder, ModuleForm == ModuleForm.Distilled ? Distill(kernel, module) : module);
        if (ModuleForm == ModuleForm.Flattened)
            WriteAtomically(Path.Combine(folder, FlattenedName), ModuleConverter.Flatten(kernel, modules));
        return $"; {modules.Count} of {found} modules have BTF";
    }

    private static ModuleBtf Distill(ConvertedKernel kernel, ModuleBtf module)
    {
        if (module.Base is not null)
            return module;
        var distilled = BtfDistiller.Distill(BtfBlob.Parse(module.Bytes, kernel.Btf));
        return new ModuleBtf(module.Name, distilled.Split, distilled.Base);
    }

    private static void WriteModule(string folder, ModuleBtf module)
    {
        var path = Path.Combine(folder, module.Name + ".btf");
        if (module.Base is not null)
            WriteAtomically(path + ".base", module.Base);
        WriteAtomically(path, module.Bytes);
    }

    private byte[] Pack(ConvertedKernel kernel)
    {
        if (!Output.EndsWith(TarballExtension, StringComparison.Ordinal))
            return kernel.Bytes;
        var uname = kernel.Facts.Release ?? throw new ValidationException("uname: the image does not say it, and a tarball needs it");
        return BtfTarball.Pack(uname, kernel.Bytes, Conversion.Threads);
    }

    private static void WriteAtomically(string path, byte[] bytes)
    {
        var part = $"{path}.{Environment.ProcessId}.part";
        try
        {
            File.WriteAllBytes(part, bytes);
            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    /// <summary>proc_pid_status(5); the runtime's own way to it costs a tenth of a second.</summary>
    private static long PeakKilobytes()
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                return long.Parse(line.AsSpan(6, line.Length - 8).Trim(), NumberStyles.Integer, CultureInfo.InvariantCulture);
        }
        return 0;
    }

    private string Summary(ConvertedKernel kernel, int written, TimeSpan elapsed)
    {
        var types = kernel.TypeCounts.Values.Sum();
        return $"{Output}: {kernel.Facts.Release ?? "?"} {kernel.Facts.Arch}, from {kernel.Facts.TakenFrom.ToString().ToLowerInvariant()}"
            + $"{(kernel.Facts.BootImage is { } form ? $" of a boot image ({form})" : "")}, "
            + $"{types} types, {kernel.Bytes.Length} bytes ({written} written), {elapsed.TotalSeconds:f1} s, peak {PeakKilobytes() >> 10} MiB";
    }
}
