namespace Btf.Series;

/// <summary>
/// A series of BTF in which each is told by its difference from the one before: builds of one branch differ in a few types of ten
/// thousands. A general compressor does not find that, since one type more shifts the ids of all behind it, and every record that refers to
/// them has other bytes. So: strings and types are aligned with those of the one before (<see cref="Alignment"/>); a record that is the
/// same but for what became of names and ids takes no bytes of its own, and the others are written by columns: info, name, value, and references as
/// distances. What a compressor makes of those columns is a tenth to a hundredth of the .xz. The way back gives the same bytes: the writer
/// goes it itself, and sends as it is what would not come back.
/// </summary>
/// <remarks>
/// One object a direction and series. Up to four BTFs are remembered, so that flavours of a kernel (generic, cloud, rt) whose builds come in turn each follow
/// their own last one. A member says in its first bytes its form, which of the four it is told from, and which one it replaces.
/// </remarks>
public sealed class BtfSeriesWriter
{
    internal const int Slots = 4;

    private readonly BtfParts[] _parts = [.. Enumerable.Repeat(BtfParts.Empty, Slots)];
    private readonly string?[] _tracks = new string?[Slots];
    private readonly long[] _uses = new long[Slots];
    private long _count;

    /// <summary>The next one of the series.</summary>
    /// <param name="track">What it has in common with those that are likest: distro, arch and flavour, say.</param>
    /// <exception cref="BtfFormatException">This is no BTF.</exception>
    public ReadOnlyMemory<byte> Write(ReadOnlyMemory<byte> btf, string track = "")
    {
        if (BtfParts.TryRead(btf) is not { } parts)
            return Plain(btf);
        var own = Array.IndexOf(_tracks, track);
        var (from, to) = own >= 0 ? (own, own) : (Array.IndexOf(_uses, _uses.Max()), Array.IndexOf(_uses, _uses.Min()));
        var delta = DeltaWriter.Write(_parts[from], parts);
        if (!DeltaReader.Read(_parts[from], new ColumnReader(delta)).AsSpan().SequenceEqual(btf.Span))
            return Plain(btf);
        (_parts[to], _tracks[to], _uses[to]) = (parts, track, ++_count);
        return (byte[])[(byte)MemberForm.Delta, (byte)from, (byte)to, .. delta.Span];
    }

    private static ReadOnlyMemory<byte> Plain(ReadOnlyMemory<byte> btf) => (byte[])[(byte)MemberForm.Plain, .. btf.Span];
}

/// <summary>The way back.</summary>
public sealed class BtfSeriesReader
{
    private readonly BtfParts[] _parts = [.. Enumerable.Repeat(BtfParts.Empty, BtfSeriesWriter.Slots)];

    /// <param name="member">What <see cref="BtfSeriesWriter.Write"/> returned, in the same order.</param>
    /// <exception cref="BtfFormatException">It is not what a writer writes.</exception>
    public ReadOnlyMemory<byte> Read(ReadOnlyMemory<byte> member)
    {
        var reader = new ColumnReader(member);
        switch ((MemberForm)reader.Take(1)[0])
        {
            case MemberForm.Plain:
                return member[1..];
            case MemberForm.Delta:
                var (from, to) = (reader.Count(BtfSeriesWriter.Slots - 1), reader.Count(BtfSeriesWriter.Slots - 1));
                var btf = DeltaReader.Read(_parts[from], reader);
                _parts[to] = BtfParts.TryRead(btf) ?? throw reader.Malformed("of a form that is not sent so");
                return btf;
            default:
                throw reader.Malformed("a form that is not known");
        }
    }
}

internal enum MemberForm : byte
{
    Plain,
    Delta,
}
