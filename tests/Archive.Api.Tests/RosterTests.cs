using Archive.Api.Kernels;
using Archive.Store.Kernels;
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
        Assert.All((await rosters.GetAsync(default)).Named(build.Key.Uname), b => Assert.False(b.IsServed));

        var publication = await api.PublishAsync(build, Btf);
        var roster = await rosters.GetAsync(default);
        Assert.Equal(2, roster.Count);
        var served = Assert.Single(roster.Named(build.Key.Uname), b => b.IsServed);
        Assert.Equal((publication.Raw.Sha256, build.PackageVersion, "cloud-amd64", Outcome.Published), (served.RawSha256!.Value.ToString(), served.PackageVersion, served.Flavour, served.Outcome));
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
