using Archive.Extractor.Dwarf;
using Btf.Elf;

namespace Archive.Extractor.Conversion;

/// <summary>What all workers share: the image's symbols and sections, read only.</summary>
internal sealed record ImageContext(
    DebugSections Sections, ElfMachine Machine, NameTable Names, NameIdentity Identity,
    BtfFeatures Features, FunctionSymbols Functions, KfuncSets Kfuncs, PerCpuSection? PerCpu);

/// <summary>Converts units one after another into a table of its own. One per thread.</summary>
internal sealed class UnitWorker
{
    private readonly ImageContext _image;
    private readonly UnitParser _parser;
    private readonly UnitEncoder _encoder;
    private readonly UnitFunctions _functions;
    private readonly UnitDies _dies = new();
    private readonly List<FunctionState> _found = [];
    private byte[] _buffer = [];

    public UnitWorker(ImageContext image)
    {
        _image = image;
        Names = new NameReader(image.Sections, image.Names, image.Identity);
        _parser = new UnitParser(image.Sections, Names, image.Functions, image.Features);
        _encoder = new UnitEncoder(Nodes, Names, image.Features);
        _functions = new UnitFunctions(new ParameterLocations(image.Sections, image.Machine), _encoder);
    }

    public NodeTable Nodes { get; } = new();

    public NameReader Names { get; }

    /// <summary>The producer of the first C unit this worker saw, with its offset.</summary>
    public (long Offset, string? Text) Producer { get; private set; } = (long.MaxValue, null);

    public int HighestVersion { get; private set; }

    /// <summary>Units left out for their language.</summary>
    public int SkippedUnits { get; private set; }

    /// <summary>Null where the unit holds no C.</summary>
    public UnitTypes? Convert(in UnitHeader header)
    {
        var bytes = _image.Sections.Read(header, ref _buffer);
        if (!_parser.Parse(header, bytes, _dies))
        {
            if (DwLang.IsSkipped(_dies.Language))
                SkippedUnits++;
            return null;
        }
        var unit = _parser.Unit;
        NoteProducer(unit, bytes);
        var types = _encoder.Encode(_dies, unit, _image.Sections.Endian.LittleEndian).ToArray();
        _found.Clear();
        _functions.Collect(_dies, unit, bytes, _found);
        var variables = _image.PerCpu?.Collect(_dies, unit, Names, _encoder, bytes, _image.Sections) ?? [];
        return new UnitTypes(unit.Offset, types, [.. _found], variables, DeclTags());
    }

    private DeclTagState[] DeclTags() => _dies.DeclTags.Count == 0 ? [] : DeclTagsOfTypes();

    private DeclTagState[] DeclTagsOfTypes() =>
        [.. _dies.DeclTags.Where(t => t.Owner > 0 && _encoder.NodeOf(t.Owner - 1) >= 0).Select(t => new DeclTagState(_encoder.NodeOf(t.Owner - 1), t.Component, t.Tag))];

    private void NoteProducer(in UnitHeader unit, ReadOnlySpan<byte> bytes)
    {
        if (_dies.Language == DwLang.MipsAssembler)
            return;
        HighestVersion = Math.Max(HighestVersion, unit.Version);
        if (unit.Offset < Producer.Offset)
            Producer = (unit.Offset, System.Text.Encoding.UTF8.GetString(Names.TextOf(_dies.Producer, bytes, unit.Offset)));
    }
}
