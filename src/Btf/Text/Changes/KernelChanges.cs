using System.Text.Json;
using System.Text.Json.Serialization;

namespace Btf.Text.Changes;

/// <summary>What became of the types and functions of a kernel in another, each change once at its cause.</summary>
public sealed record KernelChanges
{
    public required string Left { get; init; }
    public required string Right { get; init; }

    /// <summary>In order of kind and name; what is on both sides the same is not among them.</summary>
    public required IReadOnlyList<NamedChange> Types { get; init; }

    public required IReadOnlyList<NamedChange> Functions { get; init; }

    /// <summary>The same, with what became of the functions that went.</summary>
    /// <param name="why">Of a function's name; null where nothing is known.</param>
    public KernelChanges Explained(Func<string, string?> why) => this with
    {
        Functions = [.. Functions.Select(change => change.Change == ChangeClass.Removed ? change with { Why = why(change.Name) } : change)],
    };

    [JsonIgnore]
    public bool AreEqual => Types.Count + Functions.Count == 0;

    [JsonIgnore]
    public IEnumerable<NamedChange> All => Types.Concat(Functions);
}

/// <summary>One type or function.</summary>
public sealed record NamedChange
{
    /// <summary><c>struct</c>, <c>union</c>, <c>enum</c>, <c>typedef</c> or <c>func</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Of an enum without name, that of its first enumerator.</summary>
    public required string Name { get; init; }

    public required ChangeClass Change { get; init; }

    /// <summary>In bytes; null of what has none on that side.</summary>
    public long? OldSize { get; init; }

    public long? NewSize { get; init; }

    /// <summary>In C, of a function or typedef that came or went.</summary>
    public string? Declaration { get; init; }

    public IReadOnlyList<ChangeDetail> Details { get; init; } = [];

    /// <summary>The changed types it embeds, whose size pushed its members: the causes, however deep they lie.</summary>
    public IReadOnlyList<string>? MovedBy { get; init; }

    /// <summary>The types that changed for no other reason than that this one did.</summary>
    public IReadOnlyList<string>? Moves { get; init; }

    /// <summary>Of a function that is not in the BTF any more: what became of it, where an inventory tells.</summary>
    public string? Why { get; init; }

    /// <summary><c>struct page</c>.</summary>
    [JsonIgnore]
    public string Tag => $"{Kind} {Name}";
}

/// <summary>One thing that changed in a type or function.</summary>
/// <param name="Subject">The member, enumerator or parameter; empty for the whole.</param>
/// <param name="Old">What it was: an offset in bytes (and bit), a type in C, a value, a size. Null of what was not.</param>
/// <param name="New">What it is. Null of what is no more.</param>
public sealed record ChangeDetail(ChangeReason Reason, string Subject, string? Old, string? New);

[JsonConverter(typeof(SnakeCase<ChangeClass>))]
public enum ChangeClass
{
    Added,
    Removed,
    Changed,

    /// <summary>Only the places of its members changed, because a type that it embeds has another size.</summary>
    Moved,
}

[JsonConverter(typeof(SnakeCase<ChangeReason>))]
public enum ChangeReason
{
    MemberAdded,
    MemberRemoved,
    MemberTypeChanged,
    BitfieldChanged,
    MemberMoved,
    SizeChanged,
    EnumeratorAdded,
    EnumeratorRemoved,
    EnumeratorValueChanged,
    TypedefChanged,
    ParameterAdded,
    ParameterRemoved,
    ParameterTypeChanged,
    ParameterRenamed,
    ParameterMoved,
    ReturnTypeChanged,

    /// <summary>Between static and global.</summary>
    LinkageChanged,
}

/// <summary>Enums as <c>member_added</c>.</summary>
internal sealed class SnakeCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower) where T : struct, Enum;
