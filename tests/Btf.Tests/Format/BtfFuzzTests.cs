using System.Diagnostics;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;

namespace Btf.Tests.Format;

public sealed class BtfFuzzTests
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OnlyBtfFormatExceptionEscapesOnDamagedBytes(bool bigEndian)
    {
        var mutation = new BtfMutation(seed: 7);
        var original = BtfFixture.OfEveryKind(bigEndian).Bytes();
        var (tried, parsed) = (0, 0);
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Budget; tried++)
        {
            if (ReadsWhole(mutation.Anywhere(original)))
                parsed++;
        }

        Assert.InRange(parsed, 1, tried - 1);
    }

    /// <summary>Every use we make of BTF; false if the bytes were refused on the way.</summary>
    private static bool ReadsWhole(byte[] bytes)
    {
        try
        {
            var blob = BtfBlob.Parse(bytes);
            BtfValidator.Check(blob);
            BtfValidator.CheckDeduplicated(blob);
            _ = blob.Find("outer").Count;
            BtfDiff.Compare(blob, BtfFixture.OfEveryKind().Blob()).Write(TextWriter.Null);
            RawDump.Write(blob, TextWriter.Null);
            return true;
        }
        catch (BtfFormatException)
        {
            return false;
        }
    }
}
