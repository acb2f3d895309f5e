using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Archive.Api.Pages.Types;

/// <summary>Finds the names of types in a declaration of C, so that they can be links.</summary>
internal static partial class DeclarationWords
{
    private static readonly FrozenSet<string> OfTheLanguage =
        "void char short int long unsigned signed float double const volatile restrict struct union enum extern static _Bool __int128 typedef".Split(' ').ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The pieces of the declaration in order; a name with a type behind it stands for itself.</summary>
    public static IEnumerable<(string Text, string? Type)> Split(string declaration)
    {
        var end = 0;
        foreach (Match match in Names().Matches(declaration))
        {
            var name = match.Groups["tag"] is { Success: true } tag ? tag : match.Groups["typedef"];
            if (OfTheLanguage.Contains(name.Value))
                continue;
            if (name.Index > end)
                yield return (declaration[end..name.Index], null);
            yield return (name.Value, name.Value);
            end = name.Index + name.Length;
        }
        if (end < declaration.Length)
            yield return (declaration[end..], null);
    }

    /// <summary>A name behind struct, union or enum; or a first word that another name, a star or a parenthesis follows.</summary>
    [GeneratedRegex(@"\b(struct|union|enum) (?<tag>[A-Za-z_]\w*)|(?<=^|[(,] ?|const |volatile )(?<typedef>[A-Za-z_]\w*)(?= [\w(*])", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Names();
}
