using Archive.Extractor.Packages;
using Btf;

namespace Archive.Extractor;

/// <summary>
/// Modules that a package has before its kernel, as rpm's sorted file lists and Debian's since trixie do: drafts of them,
/// made while the search for the kernel passes them, in a temporary file.
/// </summary>
public sealed class EarlyModules : IDisposable
{
    private readonly FileStream _file;
    private readonly ConversionOptions _options;
    private readonly List<Entry> _entries = [];
    private readonly Lock _lock = new();

    internal EarlyModules(string workFolder, ConversionOptions options) => (_file, _options) = (NamelessFile.Create(workFolder, 0), options);

    /// <summary>Modules passed, those that no draft could be made of included.</summary>
    public int Count => _entries.Count;

    /// <summary>Drafts one after the other; a module that none could be made of raises its problem where it is asked for.</summary>
    public IEnumerable<(string Name, Func<ModuleDraft> Draft)> Drafts() => _entries.Select(e => (e.Name, (Func<ModuleDraft>)(() => Read(e))));

    /// <summary>Makes drafts of modules as they come, on <see cref="ConversionOptions.Threads"/> threads.</summary>
    internal void Take(IEnumerable<PassedModule> modules, CancellationToken cancellation) =>
        SideBySide.ForEach(modules, _options.Threads, Take, cancellation);

    public void Dispose() => _file.Dispose();

    private void Take(PassedModule passed)
    {
        try
        {
            var module = passed.Module ?? throw passed.Problem!;
            Write(ModuleDraft.Of(module, takesOwn: _options.Source != BtfSource.Dwarf, _options));
        }
        catch (Exception e) when (e is MalformedInputException or UnsupportedImageException or ValidationException)
        {
            Add(new Entry(passed.Name, 0, -1, -1, -1, e));
        }
    }

    private void Write(ModuleDraft draft)
    {
        byte[]?[] parts = [draft.Own?.Bytes, draft.Own?.Base, draft.Types];
        lock (_lock)
        {
            var start = _file.Length;
            _file.Position = start;
            foreach (var part in parts.OfType<byte[]>())
                _file.Write(part);
            _entries.Add(new Entry(draft.Name, start, parts[0]?.Length ?? -1, parts[1]?.Length ?? -1, parts[2]?.Length ?? -1, null));
        }
    }

    private void Add(Entry entry)
    {
        lock (_lock)
            _entries.Add(entry);
    }

    private ModuleDraft Read(Entry entry)
    {
        if (entry.Problem is { } problem)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(problem);
        lock (_lock)
        {
            _file.Position = entry.Start;
            var (own, ownBase, types) = (Part(entry.Own), Part(entry.OwnBase), Part(entry.Types));
            return new ModuleDraft(entry.Name, own is null ? null : new ModuleBtf(entry.Name, own, ownBase), types);
        }
    }

    private byte[]? Part(int length)
    {
        if (length < 0)
            return null;
        var bytes = GC.AllocateUninitializedArray<byte>(length);
        _file.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Lengths in bytes, one behind the other from <paramref name="Start"/> on; -1 for what the draft has not.</summary>
    private sealed record Entry(string Name, long Start, int Own, int OwnBase, int Types, Exception? Problem);
}

/// <summary>A module that the search for the kernel came by: its bytes, or why they cannot be had.</summary>
internal readonly record struct PassedModule(string Name, PackageModule? Module, MalformedInputException? Problem);
