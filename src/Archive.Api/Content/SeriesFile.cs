using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Archive.Extractor.Packages;
using Archive.Store.Kernels;
using Btf.Series;

namespace Archive.Api.Content;

/// <summary>One kernel of a series file.</summary>
/// <param name="Raw">Its raw BTF.</param>
/// <param name="Length">Bytes of its member.</param>
internal sealed record SeriesMember(KernelKey Key, StoredForm Raw, int Length)
{
    /// <summary>Of all of them, so that what is read into memory is bounded.</summary>
    private const int MaxLength = 1 << 28;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Key} {Raw.Sha256} {Raw.Size} {Length}");

    /// <exception cref="FormatException">The line is no member's.</exception>
    public static SeriesMember Parse(string line)
    {
        if (line.Split(' ') is [var place, var digest, var size, var length] && place.Split('/') is [var distro, var version, var arch, var uname]
            && Array.TrueForAll([distro, version, arch, uname], SafeSegment.IsSafe)
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var member) && member is > 0 and < MaxLength)
            return new SeriesMember(new KernelKey(distro, version, arch, uname), new StoredForm(digest, bytes), member);
        throw new FormatException($"'{line}' is no member of a series: distro/version/arch/uname, digest, size and length");
    }
}

/// <summary>
/// Many kernels as one file, each told by its difference from another before it (<see cref="BtfSeriesWriter"/>), compressed by zstd (docs/btf-series.md): a line
/// <see cref="Magic"/>; for each a line (<see cref="SeriesMember"/>) and its bytes; at the end an empty line.
/// </summary>
internal static class SeriesFile
{
    public const string MediaType = "application/x.btf-series+zstd", Magic = "BTF series 1";

    private const int MaxLine = 1024;

    /// <summary>Builds of one of these are likest.</summary>
    public static string TrackOf(KernelKey key) => $"{key.Distro}/{key.Arch}/{FlavourOf(key.Uname)}";

    /// <summary>What follows the last part that is a number: <c>cloud-amd64</c> of <c>6.1.0-44-cloud-amd64</c>.</summary>
    private static string FlavourOf(string uname) => string.Join('-', uname.Split('-').Reverse().TakeWhile(part => part.Length > 0 && !char.IsAsciiDigit(part[0])).Reverse());

    /// <summary>Reads a file, member by member.</summary>
    /// <exception cref="FormatException">The file is none, is cut off, or a member is not what its line says.</exception>
    /// <exception cref="Btf.BtfFormatException">A member cannot be undone.</exception>
    public static IEnumerable<(SeriesMember Member, ReadOnlyMemory<byte> Btf)> Read(Stream file)
    {
        using var zstd = Codecs.OpenDecoder(file, "series", DecoderOptions.Default);
        using var source = new BufferedStream(zstd, 64 * 1024);
        if (ReadLine(source) != Magic)
            throw new FormatException($"no series of BTF: it does not begin with '{Magic}'");
        var series = new BtfSeriesReader();
        while (ReadLine(source) is { Length: > 0 } line)
        {
            var member = SeriesMember.Parse(line);
            var bytes = new byte[member.Length];
            source.ReadExactly(bytes);
            var btf = series.Read(bytes);
            if (Convert.ToHexStringLower(SHA256.HashData(btf.Span)) != member.Raw.Sha256)
                throw new FormatException($"{member.Key} does not come to the digest {member.Raw.Sha256}");
            yield return (member, btf);
        }
    }

    public static byte[] Line(string text) => Encoding.ASCII.GetBytes(text + "\n");

    private static string ReadLine(Stream source)
    {
        var line = new StringBuilder();
        for (int next; (next = source.ReadByte()) != '\n'; line.Append((char)next))
        {
            if (next < 0 || line.Length >= MaxLine)
                throw new FormatException(next < 0 ? "the series is cut off" : "a line of the series is too long");
        }
        return line.ToString();
    }
}
