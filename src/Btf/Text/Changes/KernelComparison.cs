using System.Runtime.InteropServices;
using Btf.Format;
using Btf.Text.CSource;

namespace Btf.Text.Changes;

/// <summary>
/// Compares two kernels by name, for people. Four passes:
/// <list type="number">
/// <item>Types and functions of each side by kind and name; several of one name are told apart by <see cref="StructuralHashes"/>, and what is
/// equal by them is done with.</item>
/// <item>What differs is compared member by member, with the members of structs without name as its own (<see cref="FlatMembers"/>).</item>
/// <item>A struct in which nothing but places changed, and which embeds a type whose size changed, is moved by that one, and that one perhaps by
/// another: <see cref="ChangeCauses"/> follows this to where something was really changed.</item>
/// <item>The causes list what they moved.</item>
/// </list>
/// Example: a member added to <c>spinlock</c> makes one change with one detail, and a list of the hundreds of structs that it moves.
/// </summary>
public sealed class KernelComparison
{
    private readonly Side _left, _right;

    private KernelComparison(BtfBlob left, BtfBlob right) => (_left, _right) = (new Side(left), new Side(right));

    /// <param name="leftName">What the sides are called in the result.</param>
    /// <exception cref="BtfFormatException">An id or a name is out of range, or types nest without end.</exception>
    public static KernelChanges Compare(BtfBlob left, BtfBlob right, string leftName, string rightName)
    {
        var changes = new KernelComparison(left, right).Run();
        return new KernelChanges
        {
            Left = leftName,
            Right = rightName,
            Types = [.. changes.Where(change => change.Kind != "func")],
            Functions = [.. changes.Where(change => change.Kind == "func")],
        };
    }

    private List<NamedChange> Run()
    {
        var changes = new List<NamedChange>();
        var keys = _left.Named.Keys.Union(_right.Named.Keys).OrderBy(key => key.Kind, StringComparer.Ordinal).ThenBy(key => key.Name, StringComparer.Ordinal);
        foreach (var key in keys)
            Compare(key, changes);
        return ChangeCauses.Assign(changes);
    }

    private void Compare((string Kind, string Name) key, List<NamedChange> changes)
    {
        var (left, right) = (_left.Named.GetValueOrDefault(key, []), _right.Named.GetValueOrDefault(key, []));
        var rightHashes = right.Select(id => _right.Hashes[id]).ToHashSet();
        var leftHashes = left.Select(id => _left.Hashes[id]).ToHashSet();
        var gone = left.Where(id => !rightHashes.Contains(_left.Hashes[id])).ToList();
        var come = right.Where(id => !leftHashes.Contains(_right.Hashes[id])).ToList();
        for (var i = 0; i < Math.Min(gone.Count, come.Count); i++)
        {
            if (Changed(key, gone[i], come[i]) is { } change)
                changes.Add(change);
        }
        changes.AddRange(gone.Skip(come.Count).Select(id => Whole(key, _left, id, ChangeClass.Removed)));
        changes.AddRange(come.Skip(gone.Count).Select(id => Whole(key, _right, id, ChangeClass.Added)));
    }

    private static NamedChange Whole((string Kind, string Name) key, Side side, uint id, ChangeClass change) => new()
    {
        Kind = key.Kind,
        Name = key.Name,
        Change = change,
        OldSize = change == ChangeClass.Removed ? side.SizeOf(id) : null,
        NewSize = change == ChangeClass.Added ? side.SizeOf(id) : null,
        Declaration = side.DeclarationOf(id),
    };

    private NamedChange? Changed((string Kind, string Name) key, uint left, uint right)
    {
        var (details, movers) = Details(left, right);
        var (oldSize, newSize) = (_left.SizeOf(left), _right.SizeOf(right));
        if (oldSize != newSize)
            details.Add(new ChangeDetail(ChangeReason.SizeChanged, "", Side.Text(oldSize), Side.Text(newSize)));
        if (details.Count == 0)
            return null;
        var onlyMoved = movers.Count > 0 && details.TrueForAll(detail => detail.Reason is ChangeReason.MemberMoved or ChangeReason.SizeChanged);
        return new NamedChange
        {
            Kind = key.Kind,
            Name = key.Name,
            Change = onlyMoved ? ChangeClass.Moved : ChangeClass.Changed,
            OldSize = oldSize,
            NewSize = newSize,
            Details = details,
            MovedBy = movers.Count > 0 ? movers : null,
        };
    }

    private (List<ChangeDetail> Details, List<string> Movers) Details(uint left, uint right)
    {
        var (a, b) = (_left.Compared(left), _right.Compared(right));
        if (a.IsComposite && b.IsComposite)
            return CompositeComparison.Compare(_left, a, _right, b);
        if (a.IsEnum && b.IsEnum)
            return (EnumComparison.Compare(a, b), []);
        if (a.Kind == BtfKind.Func && b.Kind == BtfKind.Func)
            return (FunctionComparison.Compare(_left, a, _right, b), []);
        var (was, now) = (_left.DeclarationOf(left)!, _right.DeclarationOf(right)!);
        return (was == now ? [] : [new ChangeDetail(ChangeReason.TypedefChanged, "", was, now)], []);
    }
}

/// <summary>One kernel of a comparison.</summary>
internal sealed class Side
{
    public Side(BtfBlob blob)
    {
        Blob = blob;
        Hashes = new StructuralHashes(blob);
        Types = new TypeLayout(blob);
        Lines = new TypeLine(Types);
        Work = new WorkLimit(8L * blob.Bytes.Length + (1 << 16));
        for (uint id = 1; id < blob.EndId; id++)
            Add(blob[id]);
    }

    public BtfBlob Blob { get; }
    public StructuralHashes Hashes { get; }
    public TypeLayout Types { get; }
    public TypeLine Lines { get; }
    public WorkLimit Work { get; }
    public Dictionary<(string Kind, string Name), List<uint>> Named { get; } = [];

    /// <summary>What members are compared of: of a typedef, the struct or enum without name that it names.</summary>
    public BtfType Compared(uint id)
    {
        var type = Blob[id];
        return type.Kind == BtfKind.Typedef && Blob[type.SizeOrType] is { NameOffset: 0 } inner && (inner.IsComposite || inner.IsEnum) ? inner : type;
    }

    public long? SizeOf(uint id) => Blob[id].Kind is BtfKind.Func or BtfKind.Typedef ? null : Types.SizeOf(id);

    public string? DeclarationOf(uint id)
    {
        var type = Blob[id];
        return type.Kind is BtfKind.Func or BtfKind.Typedef ? Lines.Unfolded(type.SizeOrType, type.NameBytes) : null;
    }

    public static string? Text(long? number) => number is { } value ? FormattableString.Invariant($"{value}") : null;

    private void Add(in BtfType type)
    {
        if (type.NamedKind is not { } kind || NameOf(type) is not { Length: > 0 } name)
            return;
        ref var ids = ref CollectionsMarshal.GetValueRefOrAddDefault(Named, (kind, name), out _);
        (ids ??= []).Add(type.Id);
    }

    private static string NameOf(in BtfType type) =>
        type.NameOffset == 0 && type.IsEnum && type.Vlen > 0 ? $"{{ {type.Enumerators[0].Name}, … }}" : type.Name;
}
