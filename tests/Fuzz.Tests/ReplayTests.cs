namespace Fuzz.Tests;

/// <summary>The kept corpus and all that ever failed, again; and a short burst of new inputs, the same each time.</summary>
public sealed class ReplayTests
{
    private const int BurstRuns = 1000;

    public static TheoryData<string> Targets => new(FuzzTarget.All.Select(target => target.Name));

    [Theory]
    [MemberData(nameof(Targets))]
    public void KeptInputsEndInSuccessOrADeclaredException(string name)
    {
        var target = TargetOf(name);
        var files = FuzzFolders.FilesOf(FuzzFolders.CorpusOf(name)).Concat(FuzzFolders.FilesOf(FuzzFolders.CrashersOf(name))).ToList();
        Assert.NotEmpty(files);
        Assert.All(files, file => AssertSound(target, File.ReadAllBytes(file)));
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void SeedsAreAccepted(string name) =>
        Assert.Contains(FuzzFolders.FilesOf(FuzzFolders.CorpusOf(name)), file => Execution.Run(TargetOf(name), File.ReadAllBytes(file)).Verdict == Verdict.Accepted);

    [Theory]
    [MemberData(nameof(Targets))]
    public void ABurstOfMutationsEndsInSuccessOrADeclaredException(string name)
    {
        var target = TargetOf(name);
        var random = new Random(42);
        var seeds = Corpus.Kept(name).ToList();
        for (var i = 0; i < BurstRuns; i++)
            AssertSound(target, target.Mutate(seeds[random.Next(seeds.Count)], seeds[random.Next(seeds.Count)], random));
    }

    private static FuzzTarget TargetOf(string name) => FuzzTarget.All.Single(target => target.Name == name);

    private static void AssertSound(FuzzTarget target, byte[] input)
    {
        var execution = Execution.Run(target, input);
        Assert.True(execution.Verdict != Verdict.Failed, $"{execution.Signature}: {execution.Problem}");
    }
}
