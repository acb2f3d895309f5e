using System.Globalization;
using Archive.Store.Kernels;

namespace Archive.Api.Pages;

/// <summary>Numbers and times as people read them.</summary>
public static class Show
{
    private static readonly NumberFormatInfo Spaced = new() { NumberGroupSeparator = "\u202f", NumberGroupSizes = [3] };

    public static string Count(long number) => number.ToString("#,0", Spaced);

    public static string Count(long number, string one, string many) => $"{Count(number)} {(number == 1 ? one : many)}";

    /// <summary>Decimal units, three figures.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1000 => $"{bytes} B",
        < 1_000_000 => Invariant(bytes / 1e3, "kB"),
        < 1_000_000_000 => Invariant(bytes / 1e6, "MB"),
        _ => Invariant(bytes / 1e9, "GB"),
    };

    public static string Percent(long part, long whole) => whole == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(1000.0 * part / whole) / 10:0.#} %");

    /// <summary>How long ago: <c>3 days ago</c>.</summary>
    public static string Ago(DateTimeOffset time, DateTimeOffset now) => (now - time) switch
    {
        { TotalSeconds: < 90 } => "just now",
        { TotalMinutes: < 90 } span => $"{span.TotalMinutes:0} minutes ago",
        { TotalHours: < 36 } span => $"{span.TotalHours:0} hours ago",
        { TotalDays: < 60 } span => $"{span.TotalDays:0} days ago",
        { TotalDays: < 700 } span => $"{span.TotalDays / 30.4:0} months ago",
        var span => $"{span.TotalDays / 365.25:0} years ago",
    };

    public static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static string Minute(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC";

    /// <summary>The class of marks and colours that stands for an outcome.</summary>
    public static string State(Outcome outcome) => outcome switch
    {
        Outcome.Published => "published",
        Outcome.Native => "native",
        Outcome.Pending => "missing",
        Outcome.Withdrawn => "withdrawn",
        Outcome.Conflict => "conflict",
        _ => "failed",
    };

    /// <summary>In words.</summary>
    public static string Words(Outcome outcome) => outcome switch
    {
        Outcome.Published => "Published",
        Outcome.Native => "Ships its own",
        Outcome.Pending => "Not converted yet",
        Outcome.Withdrawn => "Withdrawn",
        Outcome.Conflict => "Published, in conflict",
        Outcome.NoDebugInfo => "No debug information",
        Outcome.DownloadFailed => "Download failed",
        Outcome.SignatureFailed => "Signature failed",
        Outcome.Malformed => "Malformed",
        _ => "Unsupported",
    };

    private static string Invariant(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number:G3} {unit}");
}
