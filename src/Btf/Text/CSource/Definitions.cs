using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>Writes definitions in a given order, each with the declarations that it is the first to want.</summary>
internal sealed class Definitions(CText text, BtfBlob blob, Declarators declarators)
{
    private enum State : byte { New, Open, Done }

    private readonly State[] _states = new State[blob.EndId];
    private readonly bool[] _declared = new bool[blob.EndId];

    /// <summary>GCC's own types for Arm's vectors: <c>typedef __Poly8_t poly8_t</c> stands in BTF, the alias itself is an INT that clang does not know.</summary>
    private static readonly (byte[] Name, string Type)[] MissingAliases =
    [
        ("__Poly8_t"u8.ToArray(), "unsigned char"),
        ("__Poly16_t"u8.ToArray(), "unsigned short"),
        ("__Poly64_t"u8.ToArray(), "unsigned long long"),
        ("__Poly128_t"u8.ToArray(), "unsigned __int128"),
    ];

    public void Define(uint id) => Prepare(id, container: 0, 0);

    /// <summary>Writes what has to stand before a type is used in <paramref name="container"/>; at container 0, the type itself.</summary>
    private void Prepare(uint id, uint container, int depth)
    {
        text.Work.Enter(id, depth);
        var type = blob[id];
        if (_states[id] == State.Done)
            return;
        if (_states[id] == State.Open)
            PrepareAgain(type, container);
        else
            PrepareNew(type, container, depth);
    }

    private void PrepareNew(in BtfType type, uint container, int depth)
    {
        switch (type.Kind)
        {
            case BtfKind.Struct or BtfKind.Union:
                PrepareComposite(type, container, depth);
                break;
            case BtfKind.Typedef:
                _states[type.Id] = State.Open;
                Prepare(type.SizeOrType, type.Id, depth + 1);
                Declare(type);
                _states[type.Id] = State.Done;
                break;
            case BtfKind.Enum or BtfKind.Enum64 or BtfKind.Fwd:
                PrepareTag(type, container);
                break;
            case BtfKind.FuncProto:
                for (var i = 0; i < type.ReferenceCount; i++)
                    Prepare(type.Reference(i), container, depth + 1);
                break;
            case BtfKind.Int:
                WriteMissingAlias(type);
                _states[type.Id] = State.Done;
                break;
            case BtfKind.Array or BtfKind.Ptr or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.TypeTag:
                Prepare(type.Reference(0), container, depth + 1);
                break;
            default:
                break;
        }
    }

    /// <summary>The type is being written, and leads back to itself by a pointer.</summary>
    private void PrepareAgain(in BtfType type, uint container)
    {
        if (type.Kind == BtfKind.Typedef || (type.IsComposite && type.Id != container && type.NameOffset != 0))
            Declare(type);
    }

    private void PrepareTag(in BtfType type, uint container)
    {
        if (container == 0 || type.Kind == BtfKind.Fwd)
        {
            declarators.WriteTagDefinition(type);
            text.Write(";\n\n");
        }
        _states[type.Id] = State.Done;
    }

    private void PrepareComposite(in BtfType type, uint container, int depth)
    {
        _states[type.Id] = State.Open;
        if (container == 0 || type.NameOffset == 0)
            PrepareMembers(type, type.NameOffset == 0 ? container : type.Id, depth);
        else if (type.Id != container)
            Declare(type);
        if (container == 0)
        {
            declarators.WriteBody(type, 0);
            text.Write(";\n\n");
        }
        _states[type.Id] = container == 0 ? State.Done : State.New;
    }

    private void PrepareMembers(in BtfType type, uint container, int depth)
    {
        foreach (var member in type.Members)
            Prepare(member.TypeId, container, depth + 1);
    }

    /// <summary>A typedef is its own declaration; a composite gets <c>struct name;</c>.</summary>
    private void Declare(in BtfType type)
    {
        if (_declared[type.Id])
            return;
        _declared[type.Id] = true;
        // A compiler knows this one of itself, and its own is right.
        if (type.NameBytes.SequenceEqual("__builtin_va_list"u8))
            return;
        if (type.Kind == BtfKind.Typedef)
            declarators.WriteTypedef(type);
        else
            declarators.WriteTag(type);
        text.Write(";\n\n");
    }

    private void WriteMissingAlias(in BtfType type)
    {
        foreach (var (name, alias) in MissingAliases)
        {
            if (!type.NameBytes.SequenceEqual(name))
                continue;
            text.Write("typedef ");
            text.Write(alias);
            text.Write(" ");
            text.Write(name);
            text.Write(";\n\n");
        }
    }
}
