using System.Net;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Archive.Api.Tests;

/// <summary>The list of all builds in memory, over a real catalogue.</summary>
public sealed class RosterTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("roster_marker");

    [Fact]
    public async Task ABuildThatChangesTakesThePlaceOfWhatItWas()
    {
        var clock = new LaterAndLater();
        using var rosters = new KernelRoster(api.Store.Catalogue, clock, NullLogger<KernelRoster>.Instance);
        var build = ApiFixture.Build("6.1.0-1-cloud-amd64");
        await api.Store.Catalogue.SeenAsync(build, default);
        await api.Store.Catalogue.SeenAsync(ApiFixture.Build("6.1.0-1-cloud-amd64", "6.1.1-2"), default);
        Assert.Equal([false, false], (await rosters.GetAsync(default)).Named(build.Key.Uname).Select(b => b.IsServed));

        var publication = await api.PublishAsync(build, Btf);
        var roster = await rosters.GetAsync(default);
        for (var patience = 100; roster.Recent.Count == 0 && patience > 0; patience--)
            roster = await rosters.GetAsync(default); // It waits a tenth of a second for what is new, and then gives what it has.
        Assert.Equal(2, roster.Count);
        var served = Assert.Single(roster.Named(build.Key.Uname), b => b.IsServed);
        Assert.Equal((publication.Raw.Sha256, build.PackageVersion, "cloud-amd64", Outcome.Published), (served.RawSha256!.Value.ToString(), served.PackageVersion, served.Flavour, served.Outcome));
    }

    [Fact]
    public async Task ARowThatCannotBeReadStopsTheListAndNothingElse()
    {
        using var broken = new ApiFixture(data =>
        {
            using var catalogue = new SqliteCatalogue(Path.Combine(data, "catalogue.db"), TimeProvider.System);
            catalogue.InitialiseAsync(default).GetAwaiter().GetResult();
            catalogue.SeenAsync(ApiFixture.Build("6.1.0-2-amd64"), default).GetAwaiter().GetResult();
            using var connection = new SqliteConnection($"Data Source={Path.Combine(data, "catalogue.db")};Pooling=False");
            connection.Open();
            using var damage = connection.CreateCommand();
            damage.CommandText = "UPDATE kernels SET outcome = 'published', published_at = 1, taken_from = 'dwarf', ships_btf = 0, raw_sha256 = 'broken', raw_size = 1,"
                + " tarball_sha256 = 'broken', tarball_size = 1, provenance_sha256 = 'broken', provenance_size = 1";
            Assert.Equal(1, damage.ExecuteNonQuery());
        });
        Assert.Equal(HttpStatusCode.InternalServerError, (await broken.Client.GetAsync("/recent")).StatusCode);
        Assert.Single((await broken.GetAsync("/v1/lookup?uname=6.1.0-2-amd64"))["candidates"]!.AsArray());
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("g000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("00000000000000000000000000000000-0000000000000000000000000000000")]
    public void WhatIsNoDigestIsNamed(string text) => Assert.Contains($"'{text}'", Assert.Throws<InvalidDataException>(() => Sha256Digest.Parse(text)).Message);

    /// <summary>A minute passes between one look at it and the next.</summary>
    private sealed class LaterAndLater : TimeProvider
    {
        private int _looks;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddMinutes(Interlocked.Increment(ref _looks));
    }
}
