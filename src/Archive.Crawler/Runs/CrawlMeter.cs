using System.Diagnostics.Metrics;

namespace Archive.Crawler.Runs;

/// <summary>Instruments of the crawler, under the archive's own meter.</summary>
internal static class CrawlMeter
{
    private static readonly Meter Meter = new("BtfArchive");

    /// <summary>Seconds from a package's first byte to its kernel's BTF, the download included, which goes on meanwhile; by distro, arch and whether it failed.</summary>
    public static Histogram<double> Conversion { get; } = Meter.CreateHistogram<double>("btf_archive.conversion", "s");

    public static void Converted(string distro, string arch, TimeSpan time, bool failed) => Conversion.Record(
        time.TotalSeconds, new("distro", distro), new("arch", arch), new("result", failed ? "failed" : "converted"));
}
