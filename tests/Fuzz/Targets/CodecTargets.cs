using Archive.Extractor.Packages;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>A compressed stream of any codec, in both ways to end; output is limited as that of packages is.</summary>
internal sealed class CodecTarget : FuzzTarget
{
    internal static readonly ExtractionLimits Limits = new()
    { MaxExpandedBytes = 16 << 20, RatioFreeBytes = 4 << 20, MaxKernelBytes = 4 << 20, MaxBootImageBytes = 1 << 20, MaxDecoderBytes = 64 << 20 };

    public override string Name => "codec";

    public override void Execute(byte[] input)
    {
        var options = new DecoderOptions(1, Limits.MaxDecoderBytes) { FirstStreamOnly = input.Length % 2 == 0 };
        using var decoder = new ExpansionGuard(Codecs.OpenDecoder(new MemoryStream(input), "stream", options), Limits);
        decoder.CopyTo(Stream.Null);
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) =>
        input.AsSpan().StartsWith(XzMutations.Magic) ? XzMutations.Apply(input, other, random) : ByteMutations.Apply(input, other, random);
}

/// <summary>A block of LZ4, into room that is enough for some and too little for others.</summary>
internal sealed class Lz4Target : FuzzTarget
{
    private const int RoomBytes = 1 << 14;

    public override string Name => "lz4";

    public override bool Declares(Exception problem) => false;

    public override void Execute(byte[] input)
    {
        var room = new byte[RoomBytes];
        _ = Lz4Block.TryDecode(input, room, out var produced);
        if (produced is < 0 or > RoomBytes)
            throw new BrokenPromiseException($"{produced} bytes produced in {RoomBytes}");
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ByteMutations.Apply(input, other, random);
}

/// <summary>A block of LZO1X.</summary>
internal sealed class LzoTarget : FuzzTarget
{
    private const int RoomBytes = 1 << 14;

    public override string Name => "lzo";

    public override bool Declares(Exception problem) => false;

    public override void Execute(byte[] input)
    {
        var room = new byte[RoomBytes];
        _ = Lzo1x.TryDecode(input, room, out var produced);
        if (produced is < 0 or > RoomBytes)
            throw new BrokenPromiseException($"{produced} bytes produced in {RoomBytes}");
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ByteMutations.Apply(input, other, random);
}
