using Btf.Dedup;
using Btf.Format;

namespace Btf.CoRe;

/// <summary>Writes the marked types as BTF of their own: in their order, with ids of their own, references to what was not kept being void.</summary>
internal sealed class MarkedTypesWriter
{
    private readonly TypeMarks _marks;
    private readonly MinimalBtfOptions _options;
    private readonly BtfWriter _writer;
    private readonly Dictionary<(BtfBlob, uint), uint> _ids = [];

    private MarkedTypesWriter(TypeMarks marks, MinimalBtfOptions options, bool bigEndian)
    {
        _marks = marks;
        _options = options;
        _writer = new BtfWriter(!bigEndian) { HeaderSize = options.HeaderSize };
    }

    public static byte[] Write(TypeMarks marks, CoreTarget target, MinimalBtfOptions options)
    {
        var writer = new MarkedTypesWriter(marks, options, options.BigEndian ?? target.Kernel.IsBigEndian);
        List<BtfType> types = [.. target.Modules.Prepend(target.Kernel).SelectMany(btf => marks.Of(btf).Select(id => btf[id]))];
        foreach (var type in types)
            writer._ids.Add((type.Blob, type.Id), (uint)writer._ids.Count + 1);
        foreach (var type in types)
            writer.Write(type);
        return writer._writer.ToArray();
    }

    private void Write(in BtfType type)
    {
        if (type.IsComposite)
            WriteComposite(type);
        else if (type.Kind == BtfKind.Enum64 && _options.WithoutEnum64)
            WriteNarrowed(type);
        else
            WriteRecord(type);
    }

    private void WriteComposite(in BtfType type)
    {
        var members = new List<BtfMember>();
        for (var i = 0; i < type.Vlen; i++)
        {
            if (_marks.HasMember(type.Blob, type.Id, i))
                members.Add(type.Members[i]);
        }
        // The flag is kept only where a bitfield is.
        var hasBitfield = members.Exists(static member => member.BitfieldSize > 0);
        _ = _writer.Begin(Name(type.Blob, type.NameOffset), type.Kind, hasBitfield, members.Count, type.SizeOrType);
        foreach (var member in members)
        {
            _writer.Word(Name(type.Blob, member.NameOffset));
            _writer.Word(Id(type.Blob, member.TypeId));
            _writer.Word(member.BitOffset | (uint)member.BitfieldSize << 24);
        }
    }

    private void WriteNarrowed(in BtfType type)
    {
        _ = _writer.Begin(Name(type.Blob, type.NameOffset), BtfKind.Enum, type.KindFlag, type.Vlen, type.SizeOrType);
        foreach (var enumerator in type.Enumerators)
        {
            _writer.Word(Name(type.Blob, enumerator.NameOffset));
            _writer.Word((uint)enumerator.Value);
        }
    }

    private void WriteRecord(in BtfType type)
    {
        var roles = RecordLayout.Of(type.Kind);
        var name = Name(type.Blob, type.NameOffset);
        _ = _writer.Begin(name, type.Kind, type.KindFlag, type.Vlen, Map(type.Blob, roles[2], type.SizeOrType));
        var words = BtfWire.TrailingSize(type.Kind, type.Vlen) / sizeof(uint);
        for (var i = 0; i < words; i++)
            _writer.Word(Map(type.Blob, roles[3 + i], type.TrailingWord(i)));
    }

    private uint Map(BtfBlob blob, WordRole role, uint word) => role switch
    {
        WordRole.Name => Name(blob, word),
        WordRole.Reference => Id(blob, word),
        _ => word,
    };

    private uint Name(BtfBlob blob, uint nameOffset) => _writer.AddString(blob.NameBytes(nameOffset));

    /// <summary>A type of the base may be referred to by a module.</summary>
    private uint Id(BtfBlob blob, uint id) => id == 0 ? 0 : _ids.GetValueOrDefault((blob[id].Blob, id));
}
