using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Archive.Api.Content;

/// <summary>Conditional requests (RFC 9110 §13) on content with a strong ETag.</summary>
internal static class Conditions
{
    /// <returns>200 to go on, 304 or 412.</returns>
    public static int Check(HttpRequest request, string tag, DateTimeOffset? modified)
    {
        var headers = request.Headers;
        if (headers.IfMatch.Count > 0)
        {
            if (!Matches(headers.IfMatch, tag, isStrong: true))
                return StatusCodes.Status412PreconditionFailed;
        }
        else if (DateOf(headers.IfUnmodifiedSince) is { } unmodified && IsNewer(modified, unmodified))
        {
            return StatusCodes.Status412PreconditionFailed;
        }
        if (headers.IfNoneMatch.Count > 0)
            return Matches(headers.IfNoneMatch, tag, isStrong: false) ? StatusCodes.Status304NotModified : StatusCodes.Status200OK;
        return DateOf(headers.IfModifiedSince) is { } since && modified is not null && !IsNewer(modified, since)
            ? StatusCodes.Status304NotModified
            : StatusCodes.Status200OK;
    }

    /// <summary>Whether <c>If-Range</c> lets a range be sent: what the client has is of this very content, or it does not say.</summary>
    public static bool IsRangeCurrent(HttpRequest request, string tag, DateTimeOffset? modified)
    {
        var condition = request.Headers.IfRange.ToString();
        return condition.Length == 0 || condition == tag || DateOf(condition) is { } date && Seconds(modified) == date;
    }

    private static bool Matches(StringValues header, string tag, bool isStrong) =>
        EntityTagHeaderValue.TryParseList(header, out var tags)
        && tags.Any(t => t.Tag == "*" || t.Tag == tag && !(isStrong && t.IsWeak));

    private static bool IsNewer(DateTimeOffset? modified, DateTimeOffset than) => Seconds(modified) > than;

    private static DateTimeOffset? DateOf(string? text) => HeaderUtilities.TryParseDate(text, out var date) ? date : null;

    /// <summary>Dates in headers have whole seconds.</summary>
    private static DateTimeOffset? Seconds(DateTimeOffset? time) =>
        time is { } known ? DateTimeOffset.FromUnixTimeSeconds(known.ToUnixTimeSeconds()) : null;
}
