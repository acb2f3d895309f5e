using Archive.Crawler.Protocols.Apt;
using Archive.Crawler.Sources;

namespace Archive.Crawler.Tests;

/// <summary>What an index claims of memory and time, though it is signed.</summary>
public sealed class IndexTextTests : AptCrawl
{
    [Theory]
    [InlineData("\\n", "expands more than 100 times")]
    [InlineData("a", "has more than 1048576 characters")]
    public async Task AnIndexThatSwellsIsRefusedAndNamed(string character, string reason)
    {
        Repository.Publish(swell: character);
        var refusal = await Assert.ThrowsAsync<CrawlException>(() => CrawlAsync());
        Assert.Contains("main/binary-amd64/Packages", refusal.Message);
        Assert.Contains(reason, refusal.Message);
    }

    [Fact]
    public void ALineWithoutEndIsRefusedBeforeItIsHeld()
    {
        var endless = new Endless();
        Assert.Throws<AptFormatException>(() => Deb822.Read(endless, "endless").Count());
        Assert.InRange(endless.Given, 1 << 20, 8 << 20);
    }

    [Fact]
    public void ParagraphsAreTheSameHoweverTheTextIsCut()
    {
        var text = string.Concat(Enumerable.Range(0, 3000).Select(i => $"Package: p{i}\r\nDescription: {new string('d', i)}\n more\n# comment\n{(i % 2 == 0 ? "\n" : " \r\n\n")}")) + "Package: last";
        var read = Deb822.Read(new StringReader(text), "text").ToList();
        Assert.Equal(3001, read.Count);
        for (var i = 0; i < 3000; i++)
            Assert.Equal(($"p{i}", $"{new string('d', i)}\nmore"), (read[i]["Package"], read[i]["description"]));
        Assert.Equal("last", read[^1]["Package"]);
        Assert.Equal(read.Select(p => p["Package"]), Deb822.Read(new Trickle(text), "text").Select(p => p["Package"]));
    }

    /// <summary>One line that never ends.</summary>
    private sealed class Endless : TextReader
    {
        public int Given { get; private set; }

        public override int Read(char[] buffer, int index, int count)
        {
            Array.Fill(buffer, 'a', index, count);
            Given += count;
            return count;
        }
    }

    /// <summary>Gives out a few characters at a time, as a network does.</summary>
    private sealed class Trickle(string text) : StringReader(text)
    {
        public override int Read(char[] buffer, int index, int count) => base.Read(buffer, index, Math.Min(count, 7));
    }
}
