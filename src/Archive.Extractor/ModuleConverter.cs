using System.Collections.Concurrent;
using Archive.Extractor.Conversion;
using Archive.Extractor.Packages;
using Btf;
using Btf.Dedup;
using Btf.Elf;
using Btf.Format;

namespace Archive.Extractor;

/// <summary>
/// The BTF of a kernel's modules, split on the kernel's: from the <c>.BTF</c> section of a module where the kernel's BTF is
/// its own too, else from the module's DWARF. Modules are converted side by side; the result of each depends on it alone.
/// </summary>
public sealed class ModuleConverter
{
    private readonly ConversionOptions _options;
    private readonly bool _ownBtf;
    private readonly ModuleChecks _checks;
    private readonly Lazy<BtfMerger> _merger;

    /// <param name="kernel">What the modules were built for.</param>
    public ModuleConverter(ConvertedKernel kernel, ConversionOptions options)
    {
        _options = options;
        _ownBtf = kernel.Facts.TakenFrom == BtfSource.Btf;
        _checks = new ModuleChecks(kernel);
        _merger = new(() => new BtfMerger(BtfBlob.Parse(kernel.Bytes)));
    }

    /// <summary>Converts modules as they come, on <see cref="ConversionOptions.Threads"/> threads. Without an order.</summary>
    /// <param name="take">Gets each module that has BTF or DWARF; called from one thread at a time.</param>
    /// <returns>The number of modules seen.</returns>
    /// <inheritdoc cref="Convert(PackageModule)"/>
    public int Convert(IEnumerable<PackageModule> modules, Action<ModuleBtf> take, CancellationToken cancellation) =>
        Convert(modules, take, static (_, problem) => System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(problem), cancellation);

    /// <param name="modules">Modules as they come.</param>
    /// <param name="take">Gets each module that has BTF or DWARF; called from one thread at a time.</param>
    /// <param name="refuse">Gets each module that is malformed or fails its checks, and why; likewise.</param>
    /// <param name="cancellation">Ends the conversion.</param>
    /// <returns>The number of modules seen.</returns>
    public int Convert(IEnumerable<PackageModule> modules, Action<ModuleBtf> take, Action<PackageModule, Exception> refuse, CancellationToken cancellation)
    {
        var seen = 0;
        var taking = new Lock();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = _options.Threads, CancellationToken = cancellation };
        try
        {
            Parallel.ForEach(Partitioner.Create(modules, EnumerablePartitionerOptions.NoBuffering), parallel, module =>
            {
                Interlocked.Increment(ref seen);
                var (converted, problem) = TryConvert(module);
                lock (taking)
                {
                    if (problem is not null)
                        refuse(module, problem);
                    else if (converted is not null)
                        take(converted);
                }
            });
        }
        catch (AggregateException failures)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
        return seen;
    }

    private (ModuleBtf? Converted, Exception? Problem) TryConvert(PackageModule module)
    {
        try
        {
            return (Convert(module), null);
        }
        catch (Exception e) when (e is MalformedInputException or UnsupportedImageException or ValidationException)
        {
            return (null, e);
        }
    }

    /// <summary>Null where the module has neither BTF that we can use nor DWARF.</summary>
    /// <exception cref="MalformedInputException">The module is malformed.</exception>
    /// <exception cref="UnsupportedImageException">It uses something that we do not read.</exception>
    /// <exception cref="ValidationException">Its BTF does not fit the kernel's.</exception>
    public ModuleBtf? Convert(PackageModule module)
    {
        var own = _ownBtf && _options.Source != BtfSource.Dwarf ? ModuleBtf.Of(module) : null;
        if (own is null && FromDwarf(module) is { } made)
            own = made;
        if (own is not null)
            _checks.Check(own);
        return own;
    }

    /// <summary>One BTF of the kernel and these modules, for loaders that take a single file.</summary>
    /// <param name="modules">Split on the kernel's BTF.</param>
    public static byte[] Flatten(ConvertedKernel kernel, IEnumerable<ModuleBtf> modules)
    {
        var blob = BtfBlob.Parse(kernel.Bytes);
        var merger = new BtfMerger(blob);
        foreach (var module in modules.OrderBy(m => m.Name, StringComparer.Ordinal))
            merger.Add(BtfBlob.Parse(module.Bytes, blob));
        return merger.Flatten();
    }

    private ModuleBtf? FromDwarf(PackageModule module)
    {
        try
        {
            using var image = ElfImage.FromBytes(module.Image);
            if (image.Find(".debug_info") is not { HasBytes: true })
                return null;
            var converted = DwarfToBtf.Convert(image, supplementary: null, _options with { Threads = 1 }, CancellationToken.None);
            return new ModuleBtf(module.Name, _merger.Value.Split(BtfBlob.Parse(converted.Btf)), null);
        }
        catch (NoDebugInfoException)
        {
            return null;
        }
        catch (MalformedInputException problem)
        {
            throw new PackageFormatException(module.Entry, problem.Offset, problem.Value, problem.Message, problem);
        }
    }
}
