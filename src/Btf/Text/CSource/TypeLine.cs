using System.Text;
using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>A declaration in one line of C, for people to read and for comparisons by text. Not safe for concurrent use.</summary>
internal sealed class TypeLine
{
    /// <summary>Stands for the members of a struct or union without name, where they are shown elsewhere.</summary>
    public const string Folded = "{…}";

    private readonly StringBuilder _line = new();
    private readonly CText _text;
    private readonly Declarators _declarators;
    private bool _unfolds;

    public TypeLine(TypeLayout layout)
    {
        _text = new CText(new StringWriter(_line), layout.Blob);
        _declarators = new Declarators(_text, layout, new CNames(layout.Blob, unique: false), WriteInPlace);
    }

    /// <summary><c>struct {…} *name[3]</c>.</summary>
    /// <exception cref="BtfFormatException">Types nest without end.</exception>
    public string Of(uint id, ReadOnlySpan<byte> name = default) => Write(id, name, unfolds: false);

    /// <summary><c>struct { int a; char b; } *name[3]</c>.</summary>
    /// <exception cref="BtfFormatException">Types nest without end.</exception>
    public string Unfolded(uint id, ReadOnlySpan<byte> name = default) => Write(id, name, unfolds: true);

    private string Write(uint id, ReadOnlySpan<byte> name, bool unfolds)
    {
        _unfolds = unfolds;
        _declarators.Write(id, name, 0, 0);
        _text.Flush();
        var line = _line.ToString();
        _line.Clear();
        return line;
    }

    private void WriteInPlace(BtfType type, int depth)
    {
        _declarators.WriteTag(type);
        if (type.IsEnum)
            WriteEnumerators(type);
        else if (_unfolds)
            WriteMembers(type, depth);
        else
            _text.Write(" " + Folded);
    }

    private void WriteEnumerators(in BtfType type)
    {
        _text.Write(" { ");
        for (var i = 0; i < type.Vlen; i++)
        {
            _text.Write(i == 0 ? "" : ", ");
            _text.Write(type.Enumerators[i].NameBytes);
            _text.Write(" = ");
            if (type.KindFlag)
                _text.Write(type.Enumerators[i].Value);
            else
                _text.Write(type.Enumerators[i].UnsignedValue);
        }
        _text.Write(" }");
    }

    private void WriteMembers(in BtfType type, int depth)
    {
        _text.Write(" { ");
        foreach (var member in type.Members)
        {
            _declarators.Write(member.TypeId, member.NameBytes, 0, depth + 1);
            if (member.BitfieldSize != 0)
            {
                _text.Write(":");
                _text.Write(member.BitfieldSize);
            }
            _text.Write("; ");
        }
        _text.Write("}");
    }
}
