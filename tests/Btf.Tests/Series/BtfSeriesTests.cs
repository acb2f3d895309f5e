using Btf.Series;

namespace Btf.Tests.Series;

public sealed class BtfSeriesTests
{
    private static readonly byte[][] Versions =
    [
        Compile("struct node { struct node *next; int a; }; struct other { const char *name; enum kind { KIND_A, KIND_B } kind; } x; struct node n; int f(struct node *p, struct other *o) { return p->a; }"),
        Compile("struct early { long long q[3]; union { short s; float f; }; } e; struct node { struct node *next; int a; }; struct other { const char *name; enum kind { KIND_A, KIND_B } kind; } x; struct node n; int f(struct node *p, struct other *o) { return p->a; }"),
        Compile("struct node { struct node *next; int a; struct node *more; }; typedef int (*call)(volatile struct node *); call c; struct node n; int g(struct node *p) { return p->a; }"),
    ];

    [Fact]
    public void EachComesBackAsItWas()
    {
        var (writer, reader) = (new BtfSeriesWriter(), new BtfSeriesReader());
        byte[][] series = [.. Versions, Versions[0], Versions[0], [.. Versions[1]]];
        for (var i = 0; i < series.Length; i++)
            Assert.Equal(series[i], reader.Read(writer.Write(series[i], $"track {i % 2}")).ToArray());
    }

    [Fact]
    public void WhatShiftsIdsAloneTakesNoRecords()
    {
        var many = string.Concat(Enumerable.Range(0, 200).Select(i => $"struct s{i} {{ int a{i}; struct s{i} *next; }} x{i}; "));
        var (was, now) = (Compile(many), Compile($"struct early {{ long long q[3]; }} e; {many}"));
        var writer = new BtfSeriesWriter();
        var first = writer.Write(was).Length;
        Assert.InRange(writer.Write(now).Length, 1, first / 10);
        Assert.InRange(writer.Write(now).Length, 1, 60); // The header alone has 24.
    }

    [Fact]
    public void MoreTracksThanAreRememberedComeBackToo()
    {
        var (writer, reader) = (new BtfSeriesWriter(), new BtfSeriesReader());
        for (var i = 0; i < 30; i++)
            Assert.Equal(Versions[i % 3], reader.Read(writer.Write(Versions[i % 3], $"track {i % 7}")).ToArray());
    }

    [Fact]
    public void WhatIsLaidOutOtherwiseIsSentAsItIs()
    {
        byte[] padded = [.. Versions[0], 0, 0, 0, 0];
        var member = new BtfSeriesWriter().Write(padded);
        Assert.Equal(padded.Length + 1, member.Length);
        Assert.Equal(padded, new BtfSeriesReader().Read(member).ToArray());
    }

    /// <summary>Whoever reads may get anything: it is refused, and nothing else happens.</summary>
    [Fact]
    public void DamagedMembersAreRefusedOrComeToSomethingElse()
    {
        var writer = new BtfSeriesWriter();
        var first = writer.Write(Versions[0]).ToArray();
        var second = writer.Write(Versions[2]).ToArray();
        var random = new Random(1);
        var refused = 0;
        for (var round = 0; round < 5000; round++)
        {
            byte[] damaged = [.. second];
            for (var hits = random.Next(1, 4); hits > 0; hits--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            if (round % 5 == 0)
                damaged = damaged[..random.Next(1, damaged.Length)];
            var reader = new BtfSeriesReader();
            reader.Read(first);
            try
            {
                reader.Read(damaged);
            }
            catch (BtfFormatException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 1000, 5000);
    }

    private static byte[] Compile(string source)
    {
        using var folder = new TestKit.TempFolder();
        TestKit.Tool.Run("gcc", "-g", "-c", "-o", folder.File("a.o"), folder.Write("a.c", source));
        TestKit.Tool.Run("pahole", "--btf_gen_floats", $"--btf_encode_detached={folder.File("btf")}", folder.File("a.o"));
        return File.ReadAllBytes(folder.File("btf"));
    }
}
