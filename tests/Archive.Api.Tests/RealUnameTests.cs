using System.Security.Cryptography;
using System.Text;
using Archive.Api.Kernels;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>Several hundred real kernels in one catalogue, each asked for in the ways that its host would.</summary>
public sealed class RealUnameTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly IReadOnlyList<KernelKey> Kernels = Read();

    private static List<KernelKey> Read()
    {
        var kernels = new List<KernelKey>();
        string[] place = [];
        foreach (var line in File.ReadLines(Path.Combine(Checkout.Root, "tests", "Archive.Api.Tests", "unames.txt")).Where(l => l[0] != '#'))
        {
            if (line[0] == ' ')
                kernels.Add(new KernelKey(place[0], place[1], place[2], line.Trim()));
            else
                place = line.Split(' ');
        }
        return kernels;
    }

    [Fact]
    public async Task EachIsFoundByWhatItsHostSays()
    {
        Assert.True(Kernels.Count >= 300, $"{Kernels.Count}");
        var shared = Kernels.GroupBy(k => k.Uname).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet();
        foreach (var kernel in Kernels)
            await api.Store.Catalogue.RecordPublicationAsync(ApiFixture.Build(kernel.Uname, "1", kernel.Distro, kernel.Version, kernel.Arch), PublicationOf(kernel), default);
        var lookup = new KernelLookup(api.Store.Catalogue, new KernelIndex(api.Store.Catalogue));
        var wrong = new List<string>();
        foreach (var kernel in Kernels)
        {
            var machine = kernel.Arch switch { "arm64" => "aarch64", "armhf" => "armv7l", "i386" => "i686", var other => other };
            var osRelease = $"NAME=\"x\"\nID=\"{kernel.Distro}\"\nVERSION_ID=\"{kernel.Version}\"\n";
            await CheckAsync("release and os-release", LookupQuestion.Parse(kernel.Uname, machine, null, null, null, osRelease));
            await CheckAsync("uname -a and os-release", LookupQuestion.Parse($"Linux host {kernel.Uname} #1 SMP Thu Jan 1 00:00:00 UTC 1970 {machine} GNU/Linux", null, null, null, null, osRelease));
            await CheckAsync("names and arch", LookupQuestion.Parse(kernel.Uname, machine, $"\"{kernel.Distro}\"", $"\"{kernel.Version}\"", null, null));
            await CheckAsync("build-id", LookupQuestion.Parse(null, null, null, null, PublicationOf(kernel).BuildId!.ToUpperInvariant(), null));
            if (!shared.Contains(kernel.Uname))
                await CheckAsync("release alone", LookupQuestion.Parse(kernel.Uname, null, null, null, null, null));

            async Task CheckAsync(string how, LookupQuestion? question)
            {
                var (answer, _) = await lookup.FindAsync(question!, default);
                if (answer.Ambiguous || answer.Candidates.Count != 1 || answer.Candidates[0].Kernel.Btf!.Sha256 != PublicationOf(kernel).Raw.Sha256 || answer.Candidates[0].Reasons.Count == 0)
                    wrong.Add($"{kernel} by {how}: {string.Join(", ", answer.Candidates.Select(c => $"{c.Kernel.Distro}/{c.Kernel.Version}/{c.Kernel.Arch}"))}");
            }
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void HintsInTheReleaseNameTheDistro()
    {
        // Releases that carry no sign of their distro, or one that is shared, are none of this test's.
        var wrong = Kernels
            .Where(k => UnameText.Parse(k.Uname) is not { } text || text.Hints.Count > 0 && !text.Hints.Any(h => h.Distro == k.Distro && (h.Version is null || h.Version == k.Version)))
            .Where(k => !(k.Distro == "ubuntu" && k.Uname.StartsWith("5.11.0", StringComparison.Ordinal)))
            .Select(k => $"{k}: {string.Join(", ", UnameText.Parse(k.Uname)?.Hints.Select(h => $"{h.Distro} {h.Version}") ?? [])}");
        Assert.Empty(wrong);
    }

    private static Publication PublicationOf(KernelKey kernel)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(kernel.ToString())));
        return new Publication
        {
            BuildId = digest[..40],
            TakenFrom = "btf",
            ShipsBtf = false,
            PublishedAt = DateTimeOffset.UnixEpoch,
            Raw = new StoredForm(digest, 1),
            Tarball = new StoredForm(digest, 1),
            Provenance = new StoredForm(digest, 1),
        };
    }
}
