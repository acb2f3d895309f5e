using Archive.Extractor.Packages;
using Btf;
using Btf.Dedup;
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
        _merger = new(() => new BtfMerger(kernel.Btf));
    }

    /// <summary>Converts modules as they come, on <see cref="ConversionOptions.Threads"/> threads. Without an order.</summary>
    /// <param name="take">Gets each module that has BTF or DWARF; called from one thread at a time.</param>
    /// <returns>The number of modules seen.</returns>
    /// <inheritdoc cref="Convert(PackageModule)"/>
    public int Convert(IEnumerable<PackageModule> modules, Action<ModuleBtf> take, CancellationToken cancellation) =>
        Convert(modules, take, static (string _, Exception problem) => System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(problem), cancellation);

    /// <param name="modules">Modules as they come.</param>
    /// <param name="take">Gets each module that has BTF or DWARF; called from one thread at a time.</param>
    /// <param name="refuse">Gets the name of each module that is malformed or fails its checks, and why; likewise.</param>
    /// <param name="cancellation">Ends the conversion.</param>
    /// <returns>The number of modules seen.</returns>
    public int Convert(IEnumerable<PackageModule> modules, Action<ModuleBtf> take, Action<string, Exception> refuse, CancellationToken cancellation) =>
        Convert(modules, m => m.Name, Convert, take, refuse, cancellation);

    /// <summary>Finishes modules that came before their kernel.</summary>
    /// <inheritdoc cref="Convert(IEnumerable{PackageModule}, Action{ModuleBtf}, Action{string, Exception}, CancellationToken)"/>
    public int Convert(EarlyModules modules, Action<ModuleBtf> take, Action<string, Exception> refuse, CancellationToken cancellation) =>
        Convert(modules.Drafts(), m => m.Name, m => Finish(m.Draft()), take, refuse, cancellation);

    private int Convert<T>(
        IEnumerable<T> modules, Func<T, string> nameOf, Func<T, ModuleBtf?> convert, Action<ModuleBtf> take, Action<string, Exception> refuse, CancellationToken cancellation)
    {
        var seen = 0;
        var taking = new Lock();
        SideBySide.ForEach(modules, _options.Threads, module =>
        {
            Interlocked.Increment(ref seen);
            var (converted, problem) = Try(() => convert(module));
            lock (taking)
            {
                if (problem is not null)
                    refuse(nameOf(module), problem);
                else if (converted is not null)
                    take(converted);
            }
        }, cancellation);
        return seen;
    }

    private static (ModuleBtf? Converted, Exception? Problem) Try(Func<ModuleBtf?> convert)
    {
        try
        {
            return (convert(), null);
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
    public ModuleBtf? Convert(PackageModule module) =>
        Finish(ModuleDraft.Of(module, takesOwn: _ownBtf && _options.Source != BtfSource.Dwarf, _options));

    /// <exception cref="ValidationException">It is BTF on another base than the kernel's.</exception>
    private ModuleBtf? Finish(ModuleDraft draft)
    {
        if (draft.Own is { Base: null } && !_ownBtf)
            throw new ValidationException($"module {draft.Name}: its BTF is on the kernel's own, and the kernel has none");
        var made = draft.Own ?? (draft.Types is { } types ? new ModuleBtf(draft.Name, _merger.Value.Split(BtfBlob.Parse(types)), null) : null);
        if (made is not null)
            _checks.Check(made);
        return made;
    }

    /// <summary>One BTF of the kernel and these modules, for loaders that take a single file.</summary>
    /// <param name="modules">Split on the kernel's BTF.</param>
    public static byte[] Flatten(ConvertedKernel kernel, IEnumerable<ModuleBtf> modules)
    {
        var merger = new BtfMerger(kernel.Btf);
        foreach (var module in modules.OrderBy(m => m.Name, StringComparer.Ordinal))
            merger.Add(BtfBlob.Parse(module.Bytes, kernel.Btf));
        return merger.Flatten();
    }
}
