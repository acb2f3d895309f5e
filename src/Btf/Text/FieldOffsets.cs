using Btf.Format;
using Btf.Text.CSource;

namespace Btf.Text;

/// <summary>
/// <c>struct.member.member</c>, with alternatives behind <c>|</c> for kernels that have another name: <c>task_struct.state|__state</c>. An
/// alternative with a dot is a path of its own, one without takes the place of the last member.
/// </summary>
public sealed record FieldPath
{
    public const int MaxLength = 512;

    private FieldPath(string text, IReadOnlyList<string[]> alternatives) => (Text, Alternatives) = (text, alternatives);

    public string Text { get; }

    /// <summary>Each a struct's name and at least one member's.</summary>
    internal IReadOnlyList<string[]> Alternatives { get; }

    /// <exception cref="FormatException">Not such a path.</exception>
    public static FieldPath Parse(string text)
    {
        if (text.Length > MaxLength)
            throw new FormatException($"a path of {text.Length} characters; {MaxLength} are the most");
        var parts = text.Split('|', StringSplitOptions.TrimEntries);
        var first = Steps(parts[0], text);
        return new FieldPath(text, [first, .. parts.Skip(1).Select(part => part.Contains('.', StringComparison.Ordinal) ? Steps(part, text) : Steps(string.Join('.', [.. first[..^1], part]), text))]);
    }

    private static string[] Steps(string path, string text)
    {
        var steps = path.Split('.');
        return steps.Length > 1 && steps.All(step => step.Length > 0 && step.All(c => char.IsAsciiLetterOrDigit(c) || c == '_')) ? steps
            : throw new FormatException($"'{text}' is no path such as task_struct.mm.pgd or task_struct.state|__state");
    }
}

/// <summary>A stretch of a path without a pointer in it.</summary>
/// <param name="Struct">Whose member it is; empty if it has no name.</param>
/// <param name="Members">Dotted, as asked for.</param>
/// <param name="ByteOffset">From the start of that struct; of a bitfield, of the byte that has its first bit.</param>
public sealed record FieldHop(string Struct, string Members, long ByteOffset);

/// <summary>Where a field is in one kernel.</summary>
public sealed record FieldOffset
{
    /// <summary>The path as it was asked for.</summary>
    public required string Path { get; init; }

    /// <summary>The alternative that the kernel has; null if it has none.</summary>
    public string? Found { get; init; }

    /// <summary>Why there is none: what the first alternative fails at.</summary>
    public string? Missing { get; init; }

    /// <summary>From the start of the struct of the last hop.</summary>
    public long? ByteOffset { get; init; }

    /// <summary>Of a bitfield, within the byte at <see cref="ByteOffset"/>.</summary>
    public int? BitOffset { get; init; }

    public int? BitSize { get; init; }

    /// <summary>Of the field's type.</summary>
    public long? ByteSize { get; init; }

    /// <summary>In C.</summary>
    public string? Type { get; init; }

    /// <summary>One, and another for each pointer that the path goes through.</summary>
    public IReadOnlyList<FieldHop> Hops { get; init; } = [];
}

/// <summary>Finds fields in one BTF. Not safe for concurrent use.</summary>
public sealed class FieldOffsets
{
    private readonly BtfBlob _blob;
    private readonly TypeLayout _layout;
    private readonly TypeLine _lines;
    private readonly WorkLimit _work;

    public FieldOffsets(BtfBlob blob)
    {
        _blob = blob;
        _layout = new TypeLayout(blob);
        _lines = new TypeLine(_layout);
        _work = new WorkLimit(4L * blob.Bytes.Length + (1 << 16));
    }

    /// <exception cref="BtfFormatException">An id or a name is out of range, or types nest without end.</exception>
    public FieldOffset Find(FieldPath path)
    {
        string? missing = null;
        foreach (var steps in path.Alternatives)
        {
            if (Find(path, steps, out var problem) is { } found)
                return found;
            missing ??= problem;
        }
        return new FieldOffset { Path = path.Text, Missing = missing };
    }

    /// <summary>A name can be that of several structs: the first that has the members counts.</summary>
    private FieldOffset? Find(FieldPath path, string[] steps, out string problem)
    {
        problem = $"no struct or union {steps[0]}";
        foreach (var id in _blob.Find(steps[0]))
        {
            if (_blob[id].Kind is not (BtfKind.Struct or BtfKind.Union or BtfKind.Typedef) || !_layout.Resolve(id).IsComposite)
                continue;
            if (Follow(path, steps, _layout.Resolve(id), out problem) is { } found)
                return found;
        }
        return null;
    }

    private FieldOffset? Follow(FieldPath path, string[] steps, BtfType composite, out string problem)
    {
        var walk = new Walk(steps) { Outer = composite, Composite = composite };
        for (; walk.Step < steps.Length; walk.Step++)
        {
            if (walk.Step > 1 && !Enter(walk))
                return Failed($"{string.Join('.', steps[..walk.Step])} is {_lines.Of(walk.Member.TypeId)}, which has no members", out problem);
            if (FindMember(walk.Composite, steps[walk.Step], 0) is not { } found)
                return Failed($"{string.Join('.', steps[..walk.Step])} has no member {steps[walk.Step]}", out problem);
            walk.Member = found.Member;
            walk.Bit += found.BitOffset;
        }
        walk.EndHop();
        problem = "";
        return Result(path, steps, walk.Member, walk.Bit, walk.Hops);
    }

    private static FieldOffset? Failed(string why, out string problem)
    {
        problem = why;
        return null;
    }

    /// <summary>Goes into the type of a member that is not the last; a pointer ends a hop.</summary>
    private bool Enter(Walk walk)
    {
        var type = _layout.Resolve(walk.Member.TypeId);
        if (type.Kind == BtfKind.Ptr)
        {
            walk.EndHop();
            type = _layout.Resolve(type.SizeOrType);
            (walk.Outer, walk.Bit, walk.HopStart) = (type, 0, walk.Step);
        }
        walk.Composite = type;
        return type.IsComposite;
    }

    private sealed class Walk(string[] steps)
    {
        public int Step { get; set; } = 1;
        public int HopStart { get; set; } = 1;

        /// <summary>The struct that the hop started in, and the one that the next member is looked for in.</summary>
        public required BtfType Outer { get; set; }
        public required BtfType Composite { get; set; }
        public BtfMember Member { get; set; }

        /// <summary>From the start of <see cref="Outer"/>.</summary>
        public long Bit { get; set; }

        public List<FieldHop> Hops { get; } = [];

        public void EndHop() => Hops.Add(new FieldHop(Outer.Name, string.Join('.', steps[HopStart..Step]), Bit / 8));
    }

    private (BtfMember Member, long BitOffset)? FindMember(in BtfType composite, string name, int depth)
    {
        _work.Enter(composite.Id, depth);
        foreach (var member in composite.Members)
        {
            if (member.NameOffset != 0)
            {
                if (member.Name == name)
                    return (member, member.BitOffset);
                continue;
            }
            if (_layout.Resolve(member.TypeId) is { IsComposite: true } inner && FindMember(inner, name, depth + 1) is { } found)
                return (found.Member, member.BitOffset + found.BitOffset);
        }
        return null;
    }

    private FieldOffset Result(FieldPath path, string[] steps, BtfMember member, long bit, List<FieldHop> hops) => new()
    {
        Path = path.Text,
        Found = string.Join('.', steps),
        ByteOffset = bit / 8,
        BitOffset = member.BitfieldSize != 0 ? (int)(bit % 8) : null,
        BitSize = member.BitfieldSize != 0 ? member.BitfieldSize : null,
        ByteSize = _layout.SizeOf(member.TypeId),
        Type = _lines.Of(member.TypeId),
        Hops = hops,
    };
}
