using System.Globalization;

namespace Btf.Text.Changes;

/// <summary>Changes as text for a terminal, and as Markdown for release notes and tickets. What was only moved stands at its cause.</summary>
public static class ChangesWriter
{
    /// <summary>Names in a list, and places of members, before "and N more".</summary>
    private const int MaxListed = 12;

    private static readonly (string Heading, ChangeClass Change)[] Sections = [("Removed", ChangeClass.Removed), ("Added", ChangeClass.Added), ("Changed", ChangeClass.Changed)];

    /// <summary>Reasons that one change gives to many: what stands behind a new member, or a new enumerator.</summary>
    private static readonly (ChangeReason Reason, string Words)[] Collected = [(ChangeReason.MemberMoved, "moved"), (ChangeReason.EnumeratorValueChanged, "values changed")];

    public static void WriteText(KernelChanges changes, TextWriter output)
    {
        output.Write($"{changes.Left} → {changes.Right}\n\n{"",-10}{"added",9}{"removed",9}{"changed",9}{"moved",9}\n");
        foreach (var (kind, counts) in Counts(changes))
            output.Write(string.Create(CultureInfo.InvariantCulture, $"{kind,-10}{counts[0],9}{counts[1],9}{counts[2],9}{counts[3],9}\n"));
        foreach (var (heading, change) in Sections)
            WriteSection(changes, change, $"\n{heading}\n", "  ", "    ", output, text => text);
    }

    public static void WriteMarkdown(KernelChanges changes, TextWriter output)
    {
        output.Write($"# {changes.Left} → {changes.Right}\n\n| | added | removed | changed | moved |\n|---|---|---|---|---|\n");
        foreach (var (kind, counts) in Counts(changes))
            output.Write(string.Create(CultureInfo.InvariantCulture, $"| {kind} | {counts[0]} | {counts[1]} | {counts[2]} | {counts[3]} |\n"));
        foreach (var (heading, change) in Sections)
            WriteSection(changes, change, $"\n## {heading}\n\n", "- ", "  - ", output, text => $"`{text}`");
    }

    private static IEnumerable<(string Kind, int[] Counts)> Counts(KernelChanges changes) => changes.All
        .GroupBy(change => change.Kind, StringComparer.Ordinal)
        .Select(kind => (kind.Key, Enum.GetValues<ChangeClass>().OrderBy(c => c switch { ChangeClass.Added => 0, ChangeClass.Removed => 1, ChangeClass.Changed => 2, _ => 3 })
            .Select(c => kind.Count(change => change.Change == c)).ToArray()));

    private static void WriteSection(KernelChanges changes, ChangeClass change, string heading, string item, string inner, TextWriter output, Func<string, string> code)
    {
        var section = changes.All.Where(c => c.Change == change).ToList();
        if (section.Count == 0)
            return;
        output.Write(heading);
        foreach (var entry in section)
        {
            output.Write($"{item}{code(Title(entry))}{Sizes(entry)}\n");
            foreach (var line in Lines(entry, code))
                output.Write($"{inner}{line}\n");
        }
    }

    private static string Title(NamedChange entry) => entry.Declaration is { } declaration
        ? entry.Kind == "func" ? declaration : $"{entry.Kind} {declaration}"
        : entry.Kind == "func" ? $"{entry.Name}()" : entry.Tag;

    private static string Sizes(NamedChange entry) => (entry.OldSize, entry.NewSize) switch
    {
        ({ } old, { } now) when old != now => string.Create(CultureInfo.InvariantCulture, $" (size {old} → {now})"),
        _ => "",
    };

    private static IEnumerable<string> Lines(NamedChange entry, Func<string, string> code)
    {
        foreach (var detail in entry.Details.Where(detail => detail.Reason is not (ChangeReason.MemberMoved or ChangeReason.EnumeratorValueChanged or ChangeReason.SizeChanged)))
            yield return Line(detail, code);
        foreach (var (reason, words) in Collected)
        {
            var same = entry.Details.Where(detail => detail.Reason == reason).Select(detail => $"{code(detail.Subject)} {detail.Old} → {detail.New}").ToList();
            if (same.Count > 0)
                yield return $"{words}: {Listed(same)}";
        }
        if (entry.Why is { } why)
            yield return why;
        if (entry.MovedBy is { } movers)
            yield return $"moved by: {Listed([.. movers.Select(code)])}";
        if (entry.Moves is { } moves)
            yield return string.Create(CultureInfo.InvariantCulture, $"moves {moves.Count}: {Listed([.. moves.Select(code)])}");
    }

    private static string Line(ChangeDetail detail, Func<string, string> code)
    {
        var reason = Words(detail.Reason);
        var subject = detail.Subject.Length > 0 ? " " + code(detail.Subject) : "";
        return (detail.Old, detail.New) switch
        {
            (null, { } now) => $"{reason}{subject}: {code(now)}",
            ({ } old, null) => $"{reason}{subject}: was {code(old)}",
            _ => $"{reason}{subject}: {code(detail.Old ?? "")} → {code(detail.New ?? "")}",
        };
    }

    /// <summary>MemberTypeChanged: "member type changed".</summary>
    private static string Words(ChangeReason reason) => string.Concat(reason.ToString().Select((c, i) => char.IsAsciiLetterUpper(c) ? (i == 0 ? "" : " ") + char.ToLowerInvariant(c) : $"{c}"));

    private static string Listed(List<string> names) => names.Count <= MaxListed ? string.Join(", ", names)
        : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", names.Take(MaxListed))} and {names.Count - MaxListed} more");
}
