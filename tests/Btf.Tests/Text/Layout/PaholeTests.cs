using System.Text.RegularExpressions;
using Btf.Format;
using Btf.Text.Layout;
using TestKit;

namespace Btf.Tests.Text.Layout;

/// <summary>Every struct and union of real kernels, number for number as pahole has it.</summary>
[Trait("Category", "Real")]
public sealed partial class PaholeTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("bookworm")]
    [InlineData("bullseye")]
    public void LayoutsAreThoseOfPahole(string kernel)
    {
        var blob = CDumpKernelTests.Open(kernel);
        File.WriteAllBytes(_folder.File("btf"), blob.Bytes.ToArray());
        var theirs = Blocks(Tool.Run("pahole", "-F", "btf", _folder.File("btf")));

        var ours = Blocks(OfAll(blob));

        var compared = theirs.Keys.Intersect(ours.Keys).ToList();
        Assert.True(compared.Count > 5_000);
        Assert.Empty(compared.Where(tag => ours[tag] != theirs[tag]).Select(tag => $"{tag}\n{ours[tag]}\n--- pahole\n{theirs[tag]}"));
    }

    private static string OfAll(BtfBlob blob)
    {
        using var text = new StringWriter();
        var reader = new LayoutReader(blob);
        foreach (var type in blob.Types)
        {
            if (type.IsComposite && type.NameOffset != 0)
                LayoutText.Write($"{(type.Kind == BtfKind.Struct ? "struct" : "union")} {type.Name}", "", reader.Read(type), text);
        }
        return text.ToString();
    }

    /// <summary>The numbers of each struct and union whose name is there once: what stands in comments.</summary>
    /// <remarks>Structs without name that are const, or behind a pointer, pahole describes as if they stood alone: not compared.</remarks>
    private static Dictionary<string, string> Blocks(string text) => Block().Matches(text)
        .Where(block => !Oddity().IsMatch(block.Value))
        .GroupBy(block => block.Groups["tag"].Value, StringComparer.Ordinal)
        .Where(named => named.Count() == 1)
        .ToDictionary(named => named.Key, named => string.Join('\n', Comment().Matches(named.Single().Value).Select(c => Spaces().Replace(c.Groups["text"].Value, " ")).Where(comment => IsCompared(named.Key, comment))));

    /// <summary>Left out: what pahole guesses of alignments, and the size of a union, which it does not tell.</summary>
    private static bool IsCompared(string tag, string comment) => !(tag.StartsWith("union", StringComparison.Ordinal) && comment.StartsWith("size:", StringComparison.Ordinal))
        && !comment.StartsWith("Bitfield combined", StringComparison.Ordinal)
        && !comment.StartsWith("Force", StringComparison.Ordinal) && !comment.StartsWith("forced", StringComparison.Ordinal);

    [GeneratedRegex(@"^(?<tag>(?:struct|union) \w+) \{\n(?:.*\n)*?\}", RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^\t+const (?:struct|union) \{|^\t+\} \*", RegexOptions.Multiline)]
    private static partial Regex Oddity();

    [GeneratedRegex(@"/\* +(?<text>.*?) +\*/")]
    private static partial Regex Comment();

    [GeneratedRegex(@"(?<=:) +| {2,}")]
    private static partial Regex Spaces();
}
