using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>Several processes on one database.</summary>
public abstract partial class CatalogueContract
{
    [Fact]
    public async Task AUnameIsFoundWithWhatAnotherProcessWroteSinceTheLastQuestion()
    {
        var other = Open();
        Assert.Empty(await Catalogue.FindByUnameAsync(Build().Key.Uname, None));
        await other.SeenAsync(Build(), None);
        Assert.Equal(await other.FindAsync(Build().Key, Build().PackageName, Build().PackageVersion, None), Assert.Single(await Catalogue.FindByUnameAsync(Build().Key.Uname, None)));
        await other.RecordPublicationAsync(Build(), Publication(), None);
        Assert.Equal(Publication(), Assert.Single(await Catalogue.FindByUnameAsync(Build().Key.Uname, None)).Publication);
        await other.RecordOutcomeAsync(Build(), Outcome.Withdrawn, "a reason", null, None);
        Assert.Equal(Outcome.Withdrawn, Assert.Single(await Catalogue.FindByUnameAsync(Build().Key.Uname, None)).Outcome);
        Assert.Empty(await Catalogue.FindByUnameAsync("'; DROP TABLE kernels; --", None));
    }

    [Fact]
    public async Task ManyStartAtOnceOnTheSameDatabase()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Open().InitialiseAsync(None))));
        await Catalogue.SeenAsync(Build(), None);
    }

    [Fact]
    public async Task WritersAtOnceEachTakeASequenceOfTheirOwn()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            var catalogue = Open();
            for (var i = 0; i < 10; i++)
                await catalogue.SeenAsync(Build(uname: $"{writer}-{i}"), None);
        })));
        var records = await Catalogue.ListAsync(new KernelFilter(), None);
        Assert.Equal(Enumerable.Range(1, 40).Select(i => (long)i), records.Select(r => r.Sequence));
    }

    [Fact]
    public async Task OfManyWhoSeeTheSameBuildAtOnceOneAddsIt()
    {
        var records = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Open().SeenAsync(Build(), None))));
        Assert.Single(records.Distinct());
        Assert.Single(await Catalogue.ListAsync(new KernelFilter(), None));
    }
}
