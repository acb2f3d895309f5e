using Archive.Extractor.Dwarf;
using Btf.Elf;

namespace Archive.Extractor.Conversion;

/// <summary>What all workers share: the image's symbols and sections, read only.</summary>
internal sealed record ImageContext(DebugSections Sections, ElfMachine Machine, FunctionSymbols Functions, PerCpuSection? PerCpu);

/// <summary>Converts units one after another into a table of its own. One per thread.</summary>
internal sealed class UnitWorker
{
    private readonly ImageContext _image;
    private readonly UnitParser _parser;
    private readonly UnitEncoder _encoder;
    private readonly UnitFunctions _functions;
    private readonly UnitDies _dies = new();
    private readonly List<int> _types = [];
    private readonly List<FunctionState> _found = [];
    private byte[] _buffer = [];

    /// <summary>For each node the number of the last unit that listed it.</summary>
    private int[] _listedBy = new int[1 << 13];
    private int _unitNumber;

    public UnitWorker(ImageContext image)
    {
        _image = image;
        _parser = new UnitParser(image.Sections);
        _encoder = new UnitEncoder(Nodes);
        _functions = new UnitFunctions(image.Functions, new ParameterLocations(image.Sections, image.Machine), _encoder);
    }

    public NodeTable Nodes { get; } = new();

    /// <summary>The producer of the first C unit this worker saw, with its offset.</summary>
    public (long Offset, string? Text) Producer { get; private set; } = (long.MaxValue, null);

    public int HighestVersion { get; private set; }

    /// <summary>Null where the unit holds no C.</summary>
    public UnitTypes? Convert(in UnitHeader unit)
    {
        var bytes = _image.Sections.Info(unit.Offset, unit.Length, ref _buffer);
        if (!_parser.Parse(unit, bytes, _dies))
            return null;
        var names = new UnitNames(_image.Sections, bytes, unit.Offset);
        NoteProducer(unit, names);
        _encoder.Encode(_dies, unit, names, _image.Sections.Endian.LittleEndian);
        ListTypes();
        _found.Clear();
        _functions.Collect(_dies, unit, names, bytes, _found);
        var variables = _image.PerCpu?.Collect(_dies, names, _encoder, bytes, unit.AddressSize, _image.Sections.Endian) ?? [];
        return new UnitTypes(unit.Offset, [.. _types], [.. _found], variables);
    }

    private void NoteProducer(in UnitHeader unit, in UnitNames names)
    {
        if (_dies.Language == DwLang.MipsAssembler)
            return;
        HighestVersion = Math.Max(HighestVersion, unit.Version);
        if (unit.Offset < Producer.Offset)
            Producer = (unit.Offset, System.Text.Encoding.UTF8.GetString(names.TextOf(_dies.Producer)));
    }

    private void ListTypes()
    {
        _types.Clear();
        _unitNumber++;
        if (_listedBy.Length < Nodes.Count)
            Array.Resize(ref _listedBy, Math.Max(Nodes.Count, _listedBy.Length * 2));
        for (var i = 0; i < _dies.TypeCount; i++)
        {
            var node = _encoder.NodeOf(i);
            if (node < 0 || _listedBy[node] == _unitNumber)
                continue;
            _listedBy[node] = _unitNumber;
            _types.Add(node);
        }
    }
}
