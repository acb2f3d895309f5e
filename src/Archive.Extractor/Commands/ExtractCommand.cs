using System.CommandLine;
using Btf;

namespace Archive.Extractor.Commands;

/// <summary>
/// <c>extract PACKAGE|VMLINUX|VMLINUZ -o OUT</c>. Exit status: 0 done, 1 there is nothing to extract, it is not supported
/// or fails a check, or the disk fails; 2 bad usage; 3 malformed input; 130 interrupted.
/// </summary>
public static class ExtractCommand
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int BadUsage = 2;
    public const int MalformedInput = 3;
    public const int Interrupted = 130;

    private static readonly Argument<FileInfo> Input = new Argument<FileInfo>("PACKAGE|VMLINUX|VMLINUZ")
    { Description = "A Debian package with a kernel (debug or bootable), an ELF vmlinux, or a boot image in any compression." }.AcceptExistingOnly();

    private static readonly Option<FileInfo> Output = new("--output", "-o")
    { Description = "Where the BTF goes: a name that ends in .btf.tar.xz gets the tarball, any other raw BTF.", Required = true };

    private static readonly Option<BtfSource> Source = new("--source")
    { Description = "Where the BTF is taken from.", DefaultValueFactory = _ => BtfSource.Auto };

    private static readonly Option<BtfFeatures> Features = new("--features")
    { Description = "What conversion from DWARF emits: kernel, btfhub, none, or a list of names.", DefaultValueFactory = _ => BtfFeatures.Kernel };

    private static readonly Option<int> Threads = new("--threads")
    { Description = "Threads for decoding and converting.", DefaultValueFactory = _ => Environment.ProcessorCount };

    private static readonly Option<DirectoryInfo?> Work = new("--work")
    { Description = "Folder for the unpacked image while it is worked on; the output's if not given." };

    private static readonly Option<DirectoryInfo?> Modules = new("--modules")
    { Description = "Folder for the BTF that the package's modules were built with: MODULE.btf, and MODULE.btf.base where it has a base of its own." };

    private static readonly Option<FileInfo> ModulesPackage = new Option<FileInfo>("--modules-package")
    { Description = "The package with the modules, where it is not that of the kernel (Ubuntu; Debian since forky)." }.AcceptExistingOnly();
    private static readonly Option<ModuleForm> ModuleForms = new("--module-form")
    { Description = "Split on the kernel's BTF, distilled (with a small base each), or flattened: also one file of kernel and modules.", DefaultValueFactory = _ => ModuleForm.Split };

    private static readonly Option<FileInfo?> InventoryFile = new("--inventory")
    { Description = "Where the image's inventory goes: functions and what became of them, symbols, tracepoints. A name that ends in .xz gets it compressed." };

    static ExtractCommand() => Threads.Validators.Add(static result =>
    {
        if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() is < 1 or > 256)
            result.AddError("--threads is to be 1 to 256");
    });

    public static Command Create()
    {
        var command = new Command("extract", "Take a kernel's BTF out of its package or image.") { Input, Output, Source, Features, Threads, Work, Modules, ModulesPackage, ModuleForms, InventoryFile };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            var job = ExtractJob.Of(
                parsed.GetRequiredValue(Input), parsed.GetRequiredValue(Output), parsed.GetValue(Work),
                new ConversionOptions(parsed.GetValue(Source), parsed.GetValue(Threads)) { Features = parsed.GetValue(Features), Inventory = parsed.GetValue(InventoryFile) is not null }) with
            { ModulesFolder = parsed.GetValue(Modules)?.FullName, ModulesPackage = parsed.GetValue(ModulesPackage)?.FullName, ModuleForm = parsed.GetValue(ModuleForms), InventoryPath = parsed.GetValue(InventoryFile)?.FullName };
            var summary = ExtractionDisplay.Show(parsed.InvocationConfiguration.Error, progress => job.Run(progress, cancellation));
            parsed.InvocationConfiguration.Output.WriteLine(summary);
            return Done;
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception problem) when (StatusOf(problem) is { } status)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"extract: {problem.Message}");
            return status;
        }
    }

    private static int? StatusOf(Exception problem) => problem switch
    {
        MalformedInputException => MalformedInput,
        NoDebugInfoException or UnsupportedImageException or ValidationException or MissingLibraryException => Failed,
        IOException or UnauthorizedAccessException => Failed,
        _ => null,
    };
}
