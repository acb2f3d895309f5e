namespace Btf.Text.Changes;

/// <summary>Follows "moved by" to the types in which something changed by itself, and tells those what they moved.</summary>
internal static class ChangeCauses
{
    public static List<NamedChange> Assign(List<NamedChange> changes)
    {
        var byTag = new Dictionary<string, NamedChange>(StringComparer.Ordinal);
        foreach (var change in changes)
            byTag.TryAdd(change.Tag, change);
        var moved = new Dictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        var rooted = changes.ConvertAll(change => change.MovedBy is null ? change : change with { MovedBy = Roots(change, byTag, moved) });
        return rooted.ConvertAll(change => moved.TryGetValue(change.Tag, out var tags) ? change with { Moves = [.. tags] } : change);
    }

    private static List<string> Roots(NamedChange change, Dictionary<string, NamedChange> byTag, Dictionary<string, SortedSet<string>> moved)
    {
        var roots = new SortedSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal) { change.Tag };
        var open = new Queue<string>(change.MovedBy!);
        while (open.TryDequeue(out var tag))
        {
            if (!seen.Add(tag))
                continue;
            if (byTag.TryGetValue(tag, out var mover) && mover is { Change: ChangeClass.Moved, MovedBy: { } further })
                further.ToList().ForEach(open.Enqueue);
            else
                roots.Add(tag);
        }
        if (change.Change == ChangeClass.Moved)
            AddTo(moved, roots, change.Tag);
        return [.. roots];
    }

    private static void AddTo(Dictionary<string, SortedSet<string>> moved, SortedSet<string> roots, string tag)
    {
        foreach (var root in roots)
        {
            if (!moved.TryGetValue(root, out var tags))
                moved.Add(root, tags = new SortedSet<string>(StringComparer.Ordinal));
            tags.Add(tag);
        }
    }
}
