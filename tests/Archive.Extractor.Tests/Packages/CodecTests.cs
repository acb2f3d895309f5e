using Archive.Extractor.Packages;
using Btf;

namespace Archive.Extractor.Tests.Packages;

public sealed class CodecTests : IDisposable
{
    private readonly Workspace _workspace = new();
    private readonly byte[] _plain = Samples.Image();

    public static TheoryData<string, Codec> Compressors => new()
    {
        { "xz -c", Codec.Xz },
        { "xz -c --block-size=20000", Codec.Xz },
        { "xz -c --check=sha256", Codec.Xz },
        { "xz -c --format=lzma", Codec.Lzma },
        { "zstd -qc", Codec.Zstd },
        { "gzip -c", Codec.Gzip },
        { "bzip2 -c", Codec.Bzip2 },
        { "lz4 -l -c", Codec.Lz4 },
        { "lz4 -l -9 -c", Codec.Lz4 },
        { "lzop -1 -c", Codec.Lzop },
        { "lzop -9 -c", Codec.Lzop },
        { "lzop -CF -c", Codec.Lzop },
        { "cat", Codec.None },
    };

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [MemberData(nameof(Compressors))]
    public void DecodesWhatTheToolWrote(string compressor, Codec codec)
    {
        var compressed = Compress(compressor);
        Assert.Equal(codec, Codecs.Detect(compressed));
        Assert.Equal(_plain, Decode(compressed));
    }

    [Theory]
    [MemberData(nameof(Compressors))]
    public void RefusesDataThatEndsTooEarly(string compressor, Codec codec)
    {
        var compressed = Compress(compressor);
        foreach (var length in TruncationPoints(compressed.Length).Where(_ => codec != Codec.None))
            Assert.Throws<PackageFormatException>(() => Decode(compressed[..length], codec));
    }

    [Theory]
    [InlineData("xz -c")]
    [InlineData("xz -c --block-size=20000")]
    [InlineData("zstd -qc")]
    public void RefusesOtherDataAfterTheEnd(string compressor)
    {
        byte[] compressed = [.. Compress(compressor), .. "garbage!"u8];
        Assert.Throws<PackageFormatException>(() => Decode(compressed));
    }

    [Theory]
    [InlineData("xz -c")]
    [InlineData("zstd -qc")]
    [InlineData("gzip -c")]
    public void DecodesStreamsThatFollowEachOther(string compressor)
    {
        var compressed = Compress(compressor);
        Assert.Equal([.. _plain, .. _plain], Decode([.. compressed, .. compressed]));
    }

    [Theory]
    [MemberData(nameof(Compressors))]
    public void WhatFollowsTheFirstStreamCanBePassedOver(string compressor, Codec codec)
    {
        byte[] compressed = [.. Compress(compressor), 0, 0, 0x80, 2, .. "garbage!"u8];
        if (codec != Codec.None)
            Assert.Equal(_plain, DecodeAll(Codecs.OpenDecoder(new MemoryStream(compressed), "member", new DecoderOptions(1, 64 << 20) { FirstStreamOnly = true })));
    }

    [Theory]
    [InlineData("lz4 -l -c")]
    [InlineData("lzop -1 -c")]
    [InlineData("lzop -9 -c")]
    public void DecodesSeveralBlocksOfEveryKindOfData(string compressor)
    {
        // Runs, short and long repeats near and far, text, and what cannot be compressed.
        var random = new Random(7);
        var plain = new byte[12 << 20];
        random.NextBytes(plain.AsSpan(1 << 20, 3 << 20));
        for (var at = 4 << 20; at < plain.Length - 70_000;)
        {
            var length = random.Next(1, random.Next(10) == 0 ? 60_000 : 40);
            var from = Math.Max(0, at - random.Next(1, 100_000));
            plain.AsSpan(from, Math.Min(length, at - from)).CopyTo(plain.AsSpan(at));
            at += length;
            for (var literals = random.Next(12); literals > 0; literals--)
                plain[at++] = (byte)random.Next(97, 105);
        }

        File.WriteAllBytes(_workspace.PathOf("plain"), plain);
        Assert.True(plain.AsSpan().SequenceEqual(Decode(_workspace.Run("sh", "-c", "cat plain | " + compressor))));
    }

    [Fact]
    public void DecodesFullBlocksOfLz4AndTheSizeBehindThem()
    {
        var plain = new byte[16 << 20];
        new Random(8).NextBytes(plain.AsSpan(0, 1 << 20));
        File.WriteAllBytes(_workspace.PathOf("plain"), plain);
        var compressed = _workspace.Run("lz4", "-l", "-c", "plain");
        Assert.Equal(plain, Decode(compressed));
        using var decoder = Codecs.OpenDecoder(new MemoryStream([.. compressed, 0, 0, 0, 1]), "member", new DecoderOptions(1, 64 << 20) { FirstStreamOnly = true });
        Assert.Equal(plain, DecodeAll(decoder));
    }

    [Theory]
    [InlineData("lz4 -l -c")]
    [InlineData("lzop -F -c")]
    [InlineData("lzop -9 -c")]
    public void DamagedBlocksRaiseNothingElse(string compressor)
    {
        var sound = Compress(compressor);
        var random = new Random(9);
        var refused = 0;
        for (var i = 0; i < 1000; i++)
        {
            var damaged = (byte[])sound.Clone();
            for (var n = random.Next(1, 4); n > 0; n--)
                damaged[random.Next(9, Math.Min(damaged.Length, 3000))] = (byte)random.Next(256);
            try
            {
                Decode(damaged);
            }
            catch (PackageFormatException)
            {
                refused++;
            }
        }

        Assert.True(refused > 10, $"{refused} refused");
    }

    [Fact]
    public void OneThreadDecodesTheSameAsSeveral()
    {
        var compressed = Compress("xz -c --block-size=20000");
        Assert.Equal(Decode(compressed, threads: 1), Decode(compressed, threads: 3));
    }

    [Fact]
    public void TheSingleThreadedEncodersOfOlderToolsAreDecodedBySeveralThreads() =>
        Assert.Equal(_plain, Decode(Compress("xz -c -T1"), threads: 3));

    [Fact]
    public void SaysWhereInTheMemberTheDataIsCorrupt()
    {
        var compressed = Compress("xz -c");
        compressed[compressed.Length / 2] ^= 0x40;
        var problem = Assert.Throws<PackageFormatException>(() => Decode(compressed, threads: 1));
        Assert.Equal("member", problem.Section);
        Assert.InRange(problem.Offset, 1, compressed.Length);
        Assert.Equal(9UL, problem.Value); // LZMA_DATA_ERROR
    }

    [Theory]
    [InlineData("xz -c -9")]
    [InlineData("xz -c --format=lzma -9")]
    [InlineData("zstd -qc --long=30")]
    public void RefusesADictionaryBeyondTheLimit(string compressor)
    {
        var compressed = Compress(compressor);
        Assert.Throws<PackageFormatException>(() => Decode(compressed, maxBytes: 16 << 20));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void CanBeDisposedInTheMiddle(int threads)
    {
        var compressed = Compress("xz -c --block-size=20000");
        using var source = new MemoryStream(compressed);
        using (var decoder = Codecs.OpenDecoder(source, "member", new DecoderOptions(threads, 64 << 20)))
            decoder.ReadExactly(new byte[1000]);
        Assert.True(source.CanRead);
    }

    [Fact]
    public void EncodesTheSameBytesOnAnyNumberOfThreads()
    {
        var one = Codecs.EncodeXz(_plain, preset: 6, blockBytes: 50_000, threads: 1);
        Assert.Equal(one, Codecs.EncodeXz(_plain, preset: 6, blockBytes: 50_000, threads: 4));
        File.WriteAllBytes(_workspace.PathOf("o.xz"), one);
        Assert.Equal(_plain, _workspace.Run("xz", "-dc", "o.xz"));
    }

    [Fact]
    public void AMissingLibraryIsToldWithThePackageThatHasIt()
    {
        var problem = Assert.Throws<MissingLibraryException>(() => MissingLibraryException.Load("libnowhere.so.5", "libnowhere5"));
        Assert.Contains("install libnowhere5", problem.Message);
    }

    private byte[] Compress(string compressor)
    {
        File.WriteAllBytes(_workspace.PathOf("plain"), _plain);
        return _workspace.Run("sh", "-c", "cat plain | " + compressor);
    }

    private static IEnumerable<int> TruncationPoints(int length) =>
        [7, 12, 13, 20, 100, length / 3, length / 2, length - 40, length - 13, length - 9, length - 4, length - 1];

    private static byte[] Decode(byte[] compressed, int threads = 2, long maxBytes = 256 << 20) =>
        DecodeAll(Codecs.OpenDecoder(new MemoryStream(compressed), "member", new DecoderOptions(threads, maxBytes)));

    private static byte[] Decode(byte[] compressed, Codec expected)
    {
        Assert.Equal(expected, Codecs.Detect(compressed));
        return Decode(compressed);
    }

    private static byte[] DecodeAll(DecoderStream decoder)
    {
        using (decoder)
        {
            using var plain = new MemoryStream();
            decoder.CopyTo(plain);
            return plain.ToArray();
        }
    }
}
