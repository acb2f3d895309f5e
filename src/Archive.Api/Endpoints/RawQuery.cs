namespace Archive.Api.Endpoints;

/// <summary>
/// Parameters with their plus signs kept. Debian's unames have them (6.12.117+deb13-amd64), and nobody who writes
/// <c>?uname=$(uname -r)</c> in a script escapes them; the framework reads them as blanks.
/// </summary>
internal static class RawQuery
{
    /// <summary>The first value of the parameter, percent-decoded only; null where it is not there.</summary>
    public static string? LiteralPlus(HttpRequest request, string name)
    {
        foreach (var pair in (request.QueryString.Value ?? "").TrimStart('?').Split('&'))
        {
            var parts = pair.Split('=', 2);
            if (parts.Length == 2 && parts[0] == name)
                return Uri.UnescapeDataString(parts[1]);
        }
        return null;
    }
}
