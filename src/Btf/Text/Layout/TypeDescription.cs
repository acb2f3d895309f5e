using Btf.Format;
using Btf.Text.CSource;

namespace Btf.Text.Layout;

/// <summary>What a kernel has under a name: a struct with its layout, an enum with its values, a function with its prototype.</summary>
public sealed record TypeDescription
{
    /// <summary>As the wire's documentation writes it, such as <c>STRUCT</c>.</summary>
    public required string Kind { get; init; }

    public required string Name { get; init; }
    public required uint Id { get; init; }

    /// <summary>In C, in one line: <c>int (*name)(void)</c>, <c>struct name</c>.</summary>
    public required string Declaration { get; init; }

    /// <summary>In bytes; null where there is none, as of a function.</summary>
    public long? Size { get; init; }

    /// <summary>Of a struct or union, also of one that a typedef names and that has no name of its own.</summary>
    public CompositeLayout? Layout { get; init; }

    /// <summary>Of an enum.</summary>
    public IReadOnlyList<EnumeratorValue>? Enumerators { get; init; }

    /// <summary>DECL_TAGs, such as <c>bpf_kfunc</c>.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>
    /// All types of a name, in order of id. <c>struct name</c>, <c>union name</c>, <c>enum name</c> and <c>typedef name</c> mean that kind alone.
    /// </summary>
    /// <exception cref="BtfFormatException">An id or a name is out of range, or types nest without end.</exception>
    public static IReadOnlyList<TypeDescription> Find(BtfBlob blob, string name)
    {
        var (kinds, bare) = Split(name);
        var reader = new LayoutReader(blob);
        var ids = blob.Find(bare).Where(id => kinds.Length == 0 || kinds.Contains(blob[id].Kind)).ToList();
        var tags = TagsOf(blob, ids);
        return ids.ConvertAll(id => Of(blob[id], reader) with { Tags = tags.GetValueOrDefault(id) });
    }

    /// <summary>As people read it: what <c>pahole -C</c> prints.</summary>
    public void Write(TextWriter output)
    {
        if (Layout is not null)
        {
            var fold = Declaration.Split(TypeLine.Folded);
            LayoutText.Write(fold[0].TrimEnd(), fold.Length > 1 ? fold[1] : "", Layout, output);
            return;
        }
        output.Write(Declaration);
        if (Enumerators is not null)
        {
            output.Write(" {\n");
            var width = Enumerators.Count == 0 ? 0 : Enumerators.Max(value => value.Name.Length);
            foreach (var value in Enumerators)
                output.Write(FormattableString.Invariant($"\t{value.Name.PadRight(width)} = {value.Value},\n"));
            output.Write(FormattableString.Invariant($"\n\t/* size: {Size} */\n}}"));
        }
        output.Write(";\n");
    }

    private static (BtfKind[] Kinds, string Name) Split(string name) => name.Split(' ', 2, StringSplitOptions.TrimEntries) switch
    {
        ["struct", var rest] => ([BtfKind.Struct], rest),
        ["union", var rest] => ([BtfKind.Union], rest),
        ["enum", var rest] => ([BtfKind.Enum, BtfKind.Enum64], rest),
        ["typedef", var rest] => ([BtfKind.Typedef], rest),
        _ => ([], name),
    };

    private static TypeDescription Of(in BtfType type, LayoutReader reader)
    {
        var composite = type.IsComposite ? type : NamedByTypedef(type);
        return new TypeDescription
        {
            Kind = RawDump.KindName(type.Kind),
            Name = type.Name,
            Id = type.Id,
            Declaration = DeclarationOf(type, reader.Lines),
            Size = type.Kind is BtfKind.Func or BtfKind.Fwd or BtfKind.DeclTag ? null : type.Kind == BtfKind.Var ? reader.Types.SizeOf(type.SizeOrType) : reader.Types.SizeOf(type.Id),
            Layout = composite is { } found ? reader.Read(found) : null,
            Enumerators = type.IsEnum ? EnumeratorsOf(type) : null,
        };
    }

    private static BtfType? NamedByTypedef(in BtfType type) =>
        type.Kind == BtfKind.Typedef && type.Blob[type.SizeOrType] is { IsComposite: true, NameOffset: 0 } anonymous ? anonymous : null;

    private static string DeclarationOf(in BtfType type, TypeLine lines) => type.Kind switch
    {
        BtfKind.Typedef => "typedef " + lines.Of(type.SizeOrType, type.NameBytes),
        BtfKind.Func or BtfKind.Var => lines.Of(type.SizeOrType, type.NameBytes),
        BtfKind.DeclTag or BtfKind.Datasec => type.Name,
        _ => lines.Of(type.Id),
    };

    private static List<EnumeratorValue> EnumeratorsOf(in BtfType type)
    {
        var values = new List<EnumeratorValue>(type.Vlen);
        foreach (var enumerator in type.Enumerators)
            values.Add(new EnumeratorValue(enumerator.Name, type.KindFlag ? enumerator.Value : (decimal)enumerator.UnsignedValue));
        return values;
    }

    /// <summary>The tags of each, found in one pass: a name may be that of thousands of types.</summary>
    private static Dictionary<uint, List<string>> TagsOf(BtfBlob blob, List<uint> targets)
    {
        var tags = new Dictionary<uint, List<string>>();
        var wanted = targets.ToHashSet();
        for (uint id = 1; id < blob.EndId; id++)
        {
            var tag = blob[id];
            if (tag.Kind != BtfKind.DeclTag || tag.ComponentIndex >= 0 || !wanted.Contains(tag.SizeOrType))
                continue;
            if (!tags.TryGetValue(tag.SizeOrType, out var names))
                tags.Add(tag.SizeOrType, names = []);
            names.Add(tag.Name);
        }
        return tags;
    }
}

/// <param name="Value">64 bits, signed or not: more than a double of JavaScript holds.</param>
public sealed record EnumeratorValue(string Name, decimal Value);
