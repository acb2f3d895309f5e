using Btf.Format;
using Btf.Format.Validation;
using TestKit;
using Xunit.Abstractions;

namespace Btf.Tests.Format;

/// <summary>Mutants of valid BTF, judged by us and by the running kernel: what the kernel refuses, we must.</summary>
[Trait("Category", "Kernel")]
public sealed class BtfKernelAgreementTests(ITestOutputHelper output)
{
    private const int Mutants = 1_000;

    [Fact]
    public void NoDamagedTypeThatTheKernelRefusesIsAccepted() => Judge(new BtfMutation(seed: 20260101).OfTypes);

    [Fact]
    public void NoDamagedBytesThatTheKernelRefusesAreAccepted() => Judge(new BtfMutation(seed: 20260102).Anywhere);

    private void Judge(Func<byte[], byte[]> mutate)
    {
        var original = BtfFixture.OfEveryKind().Bytes();
        var stricter = new List<BtfFinding>();
        var (accepted, refused) = (0, 0);
        for (var i = 0; i < Mutants; i++)
        {
            var mutant = mutate(original);
            var kernel = KernelVerifier.Load(mutant);
            var findings = Check(mutant);
            if (!kernel.Accepted)
            {
                refused++;
                Assert.True(findings.Count > 0, $"mutant {i}: the kernel refuses: {kernel.Reason}\n{Convert.ToHexString(mutant)}");
            }
            else if (findings.Count == 0)
                accepted++;
            else
                stricter.Add(findings[0]);
        }

        output.WriteLine($"both accept {accepted}, both refuse {refused}, only we refuse {stricter.Count}:\n{string.Join('\n', stricter)}");
        Assert.True(accepted > 0 && refused > 0);
    }

    private static IReadOnlyList<BtfFinding> Check(byte[] bytes)
    {
        try
        {
            return BtfValidator.Check(BtfBlob.Parse(bytes));
        }
        catch (BtfFormatException failure)
        {
            return [new BtfFinding(BtfRule.Layout, 0, 0, failure.Message)];
        }
    }
}
