using Btf.Format;

namespace Btf.Dedup;

/// <summary>What a word of a type record holds.</summary>
internal enum WordRole : byte
{
    Value,
    Name,
    Reference,
}

/// <summary>Which words of a type record are names and which are type ids (<c>Documentation/bpf/btf.rst</c>), so that records can be compared and rewritten without regard to their kind.</summary>
internal static class RecordLayout
{
    private static readonly WordRole[] None = [];
    private static readonly WordRole[] Array = [WordRole.Reference, WordRole.Reference, WordRole.Value];
    private static readonly WordRole[] Member = [WordRole.Name, WordRole.Reference, WordRole.Value];
    private static readonly WordRole[] Enumerator = [WordRole.Name, WordRole.Value];
    private static readonly WordRole[] Enumerator64 = [WordRole.Name, WordRole.Value, WordRole.Value];
    private static readonly WordRole[] Parameter = [WordRole.Name, WordRole.Reference];
    private static readonly WordRole[] Variable = [WordRole.Reference, WordRole.Value, WordRole.Value];
    private static readonly WordRole[] Value = [WordRole.Value];

    /// <summary>The roles of the words behind the first three, which repeat from the first on.</summary>
    private static ReadOnlySpan<WordRole> Trailing(BtfKind kind) => kind switch
    {
        BtfKind.Array => Array,
        BtfKind.Struct or BtfKind.Union => Member,
        BtfKind.Enum => Enumerator,
        BtfKind.Enum64 => Enumerator64,
        BtfKind.FuncProto => Parameter,
        BtfKind.Datasec => Variable,
        BtfKind.Int or BtfKind.Var or BtfKind.DeclTag => Value,
        _ => None,
    };

    private static bool Refers(BtfKind kind) => kind is BtfKind.Ptr or BtfKind.Typedef or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict
        or BtfKind.TypeTag or BtfKind.DeclTag or BtfKind.Func or BtfKind.FuncProto or BtfKind.Var;

    /// <summary>The role of each word of a record.</summary>
    public static Roles Of(BtfKind kind) => new(Refers(kind), Trailing(kind));

    public readonly ref struct Roles(bool refers, ReadOnlySpan<WordRole> trailing)
    {
        private readonly ReadOnlySpan<WordRole> _trailing = trailing;

        public WordRole this[int word] => word switch
        {
            0 => WordRole.Name,
            1 => WordRole.Value,
            2 => refers ? WordRole.Reference : WordRole.Value,
            _ => _trailing[(word - 3) % _trailing.Length],
        };
    }
}
