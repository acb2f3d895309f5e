using System.Runtime.ExceptionServices;
using Archive.Extractor.Dwarf;
using Btf.Elf;

namespace Archive.Extractor.Conversion;

/// <summary>BTF made from DWARF, and what the DWARF said of its maker.</summary>
internal sealed record DwarfConversion(byte[] Btf, string? Producer, int DwarfVersion);

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
    public static DwarfConversion Convert(ElfImage image, int threads, CancellationToken cancellation)
    {
        var sections = new DebugSections(image);
        var symbols = ElfSymbols.Read(image);
        var context = new ImageContext(sections, image.Machine, FunctionSymbols.Read(symbols), PerCpuSection.Find(image, symbols));
        var headers = sections.ReadUnitHeaders();
        var workers = Enumerable.Range(0, Math.Clamp(threads, 1, Math.Max(1, headers.Count))).Select(_ => new UnitWorker(context)).ToArray();
        var units = ConvertUnits(headers, workers, cancellation);
        if (!units.Exists(u => u.Unit.Types.Length > 0))
            throw new NoDebugInfoException("the DWARF describes no types");
        var graph = TypeGraph.Merge([.. workers.Select(w => w.Nodes)], units);
        cancellation.ThrowIfCancellationRequested();
        var resolution = new NameResolution(graph);
        var btf = BtfEmitter.Emit(graph, resolution, new FunctionSelection(graph, context.Functions), image.Endian.LittleEndian);
        return new DwarfConversion(btf, workers.MinBy(w => w.Producer.Offset)!.Producer.Text, workers.Max(w => w.HighestVersion));
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
        return [.. results.Where(r => r.Unit is not null).Select(r => (r.Table, r.Unit!))];

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
