using System.Text;
using Archive.Crawler.Protocols.Apt;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>The indexes of an APT repository, and the host's list of them.</summary>
internal sealed class Deb822Target : FuzzTarget
{
    public override string Name => "deb822";

    public override bool Declares(Exception problem) => problem is AptFormatException;

    public override void Execute(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        _ = HostAptSources.ParseLines(text.Split('\n')).Count();
        foreach (var paragraph in Deb822.Read(new StringReader(text), "index"))
            _ = HostAptSources.ParseParagraph(paragraph).Count();
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ByteMutations.Apply(input, other, random);
}
