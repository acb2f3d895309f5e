using System.Runtime.ExceptionServices;
using Archive.Extractor.Dwarf;
using Btf.Elf;

namespace Archive.Extractor.Conversion;

/// <summary>BTF made from DWARF, and what the DWARF said of its maker.</summary>
/// <param name="SkippedUnits">Units of languages that BTF is not made for.</param>
internal sealed record DwarfConversion(byte[] Btf, string? Producer, int DwarfVersion, int SkippedUnits)
{
    /// <summary>The kernel's banner, where the symbol table of the DWARF's file leads to it.</summary>
    public string? Banner { get; init; }
}

/// <summary>
/// DWARF → BTF for a whole image. The design: types are deduplicated while they are read, instead of being made by the
/// million and merged afterwards.
/// <list type="number">
/// <item>Unit headers are read; workers take units in order. <see cref="UnitParser"/> reads a unit's DIEs into flat arrays,
/// <see cref="UnitEncoder"/> hashes each type by content and keeps the distinct ones in the worker's <see cref="NodeTable"/>.</item>
/// <item>The tables are merged into a <see cref="TypeGraph"/>.</item>
/// <item><see cref="NameResolution"/> settles the struct names that mean several things.</item>
/// <item><see cref="FunctionSelection"/> chooses the functions, <see cref="BtfEmitter"/> writes.</item>
/// </list>
/// The result does not depend on the number of workers, nor on which worker took which unit: identity is content, and order
/// is that of <c>.debug_info</c>.
/// </summary>
internal static class DwarfToBtf
{
    /// <param name="supplementary">The file that dwz moved common DIEs to; null where there is none, or it is not at hand.</param>
    public static DwarfConversion Convert(ElfImage image, ElfImage? supplementary, ConversionOptions options, CancellationToken cancellation)
    {
        var features = options.Features;
        DebugSections sections = null!;
        NameTable names = null!;
        FunctionSymbols functions = null!;
        PerCpuSection? perCpu = null;
        var kfuncs = KfuncSets.None;
        string? banner = null;
        SideBySide.Run(
            options.Threads,
            () =>
            {
                sections = new DebugSections(image, supplementary);
                names = new NameTable(sections.Str);
            },
            () =>
            {
                var symbols = ElfSymbols.Read(image);
                functions = FunctionSymbols.Read(symbols, features.HasFlag(BtfFeatures.OptimizedFunc));
                if (features.HasFlag(BtfFeatures.Var))
                    perCpu = PerCpuSection.Find(image, symbols);
                if (features.HasFlag(BtfFeatures.DeclTagKfuncs))
                    kfuncs = KfuncSets.Read(image, symbols);
                banner = KernelBanner.AtSymbol(image, symbols);
            });

        // Only a linker that merges strings makes an offset stand for a name; objects and dwz's files hold a name more than once.
        var identity = image.Type == ElfType.Relocatable || supplementary is not null ? NameIdentity.Content : NameIdentity.Offset;
        var context = new ImageContext(sections, image.Machine, names, identity, features, functions, kfuncs, perCpu);
        var converted = Convert(context, options.Threads, cancellation)
            ?? Convert(context with { Identity = NameIdentity.Content }, options.Threads, cancellation)
            ?? throw new InvalidOperationException("names compared by their text are unique");
        return converted with { Banner = banner };
    }

    /// <returns>Null where names turn out not to be unique by their <see cref="ImageContext.Identity"/>.</returns>
    private static DwarfConversion? Convert(ImageContext context, int threads, CancellationToken cancellation)
    {
        var headers = context.Sections.Units;
        var workers = new UnitWorker[Math.Clamp(threads, 1, Math.Max(1, headers.Count))];
        for (var i = 0; i < workers.Length; i++)
            workers[i] = new UnitWorker(context);
        var units = ConvertUnits(headers, workers, cancellation);
        if (!units.Exists(u => u.Unit.Types.Length > 0))
            throw new NoDebugInfoException("the DWARF describes no types");
        var graph = TypeGraph.Merge([.. workers.Select(w => w.Nodes)], units);
        cancellation.ThrowIfCancellationRequested();
        NameResolution resolution = null!;
        IReadOnlyList<(FunctionState State, int Unit)> functions = [];
        SideBySide.Run(
            workers.Length,
            () => resolution = new NameResolution(graph),
            () => functions = new FunctionSelection(graph, context.Functions, context.Features.HasFlag(BtfFeatures.ConsistentFunc)).Select());
        var texts = new NameTexts(context.Sections.Str, context.Identity, context.Names, [.. workers.Select(w => w.Names)]);
        var btf = BtfEmitter.Emit(graph, resolution, texts, functions, context.Kfuncs, context.Sections.Endian.LittleEndian);
        return btf is null ? null
            : new DwarfConversion(btf, workers.MinBy(w => w.Producer.Offset)!.Producer.Text, workers.Max(w => w.HighestVersion), workers.Sum(w => w.SkippedUnits));
    }

    private static List<(int Table, UnitTypes Unit)> ConvertUnits(List<UnitHeader> headers, UnitWorker[] workers, CancellationToken cancellation)
    {
        var results = new (int Table, UnitTypes? Unit)[headers.Count];
        var failures = new Exception?[headers.Count];
        var next = -1;
        var failed = false;
        Parallel.For(0, workers.Length, new ParallelOptions { MaxDegreeOfParallelism = workers.Length }, Work);
        cancellation.ThrowIfCancellationRequested();
        if (Array.Find(failures, f => f is not null) is { } failure)
            ExceptionDispatchInfo.Throw(failure);
        var units = new List<(int Table, UnitTypes Unit)>(headers.Count);
        foreach (var (table, unit) in results)
        {
            if (unit is not null)
                units.Add((table, unit));
        }
        return units;

        void Work(int worker)
        {
            while (!Volatile.Read(ref failed) && !cancellation.IsCancellationRequested && Interlocked.Increment(ref next) is var i && i < headers.Count)
            {
                try
                {
                    results[i] = (worker, workers[worker].Convert(headers[i]));
                }
                catch (Exception e)
                {
                    failures[i] = e;
                    Volatile.Write(ref failed, true);
                }
            }
        }
    }
}
