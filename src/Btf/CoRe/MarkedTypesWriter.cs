using Btf.Dedup;
using Btf.Format;

namespace Btf.CoRe;

/// <summary>Writes the marked types as BTF of their own: in their order, with ids of their own, references to what was not kept being void.</summary>
internal sealed class MarkedTypesWriter
{
    private readonly MinimalBtfOptions _options;
    private readonly BtfWriter _writer;
    private readonly Dictionary<BtfBlob, Numbered> _numbered = [];

    private MarkedTypesWriter(MinimalBtfOptions options, bool bigEndian)
    {
        _options = options;
        _writer = new BtfWriter(!bigEndian) { HeaderSize = options.HeaderSize };
    }

    public static byte[] Write(TypeMarks marks, CoreTarget target, MinimalBtfOptions options)
    {
        var writer = new MarkedTypesWriter(options, options.BigEndian ?? target.Kernel.IsBigEndian);
        List<BtfBlob> blobs = [target.Kernel, .. target.Modules];
        var count = 0;
        foreach (var btf in blobs)
        {
            if (marks.In(btf) is not { } marked)
                continue;
            var numbered = new Numbered(marked, [.. marked.Sorted().Where(index => !writer.IsPassedOver(btf, btf.FirstId + (uint)index))], count);
            writer._numbered.Add(btf, numbered);
            count += numbered.Indexes.Length;
        }
        foreach (var btf in blobs)
        {
            if (writer._numbered.TryGetValue(btf, out var numbered))
                writer.Write(btf, numbered);
        }
        return writer._writer.ToArray();
    }

    private void Write(BtfBlob btf, Numbered numbered)
    {
        foreach (var index in numbered.Indexes)
            Write(btf[btf.FirstId + (uint)index], numbered.Marks);
    }

    private void Write(in BtfType type, MarkedBlob marks)
    {
        if (type.IsComposite)
            WriteComposite(type, marks);
        else if (type.Kind == BtfKind.Enum64 && _options.WithoutEnum64)
            WriteNarrowed(type);
        else
            WriteRecord(type);
    }

    private void WriteComposite(in BtfType type, MarkedBlob marks)
    {
        // The flag is kept only where a bitfield is.
        var (count, hasBitfield) = (0, false);
        for (var i = 0; i < type.Vlen; i++)
        {
            if (!marks.HasMember(type.Id, i))
                continue;
            count++;
            hasBitfield |= type.Members[i].BitfieldSize > 0;
        }
        _ = _writer.Begin(Name(type.Blob, type.NameOffset), type.Kind, hasBitfield, count, type.SizeOrType);
        for (var i = 0; i < type.Vlen; i++)
        {
            if (marks.HasMember(type.Id, i))
                WriteMember(type.Members[i]);
        }
    }

    private void WriteMember(in BtfMember member)
    {
        _writer.Word(Name(member.Blob, member.NameOffset));
        _writer.Word(Id(member.Blob, member.TypeId));
        _writer.Word(member.BitOffset | (uint)member.BitfieldSize << 24);
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

    private bool IsPassedOver(BtfBlob blob, uint id) => _options.WithoutTags && id != 0 && blob[id].Kind == BtfKind.TypeTag;

    /// <summary>A type of the base may be referred to by a module.</summary>
    private uint Id(BtfBlob blob, uint id)
    {
        // A ring of tags has no end but its length.
        for (var steps = 0; IsPassedOver(blob, id); id = blob[id].SizeOrType)
        {
            if (++steps > blob.TypeCount)
                throw new BtfFormatException("types", 0, id, "tags that lead back to themselves");
        }
        while (id < blob.FirstId && blob.Base is { } below)
            blob = below;
        return id >= blob.FirstId && _numbered.TryGetValue(blob, out var numbered) ? numbered.IdOf((int)(id - blob.FirstId)) : 0;
    }

    /// <summary>The marked types of one BTF, ascending, and how many types were written before them.</summary>
    private sealed record Numbered(MarkedBlob Marks, int[] Indexes, int Before)
    {
        /// <summary>0 if the type is not marked.</summary>
        public uint IdOf(int index) => Array.BinarySearch(Indexes, index) is >= 0 and var at ? (uint)(Before + at + 1) : 0;
    }
}
