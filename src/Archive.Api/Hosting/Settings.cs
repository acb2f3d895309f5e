using System.Net;
using Archive.Store;

namespace Archive.Api.Hosting;

/// <summary>Reads the settings, and refuses wrong ones before anything starts.</summary>
public static class Settings
{
    /// <exception cref="ConfigurationException">A setting is wrong.</exception>
    public static ApiOptions Read(IConfiguration configuration)
    {
        ApiOptions options;
        try
        {
            options = configuration.Get<ApiOptions>() ?? new ApiOptions();
        }
        catch (InvalidOperationException e)
        {
            throw new ConfigurationException(e.InnerException is { } inner ? $"{e.Message} {inner.Message}" : e.Message);
        }
        foreach (var wrong in Wrong(options).Take(1))
            throw new ConfigurationException(wrong);
        return options;
    }

    /// <exception cref="ConfigurationException">A setting of where the archive is kept is wrong.</exception>
    public static StoreOptions ReadStore(IConfiguration configuration, string dataDirectory)
    {
        try
        {
            return StoreOptions.Read(dataDirectory, name => configuration[name]);
        }
        catch (FormatException e)
        {
            throw new ConfigurationException(e.Message);
        }
    }

    /// <summary>Whether nobody but this machine can connect to any of the addresses.</summary>
    public static bool IsLoopback(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(e => e["Url"] ?? "");
        var urls = (configuration["Urls"] ?? "http://localhost:5000").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return urls.Concat(endpoints).All(IsLoopback) && configuration["HTTP_PORTS"] is null && configuration["HTTPS_PORTS"] is null;
    }

    private static bool IsLoopback(string url)
    {
        var address = BindingAddress.Parse(url);
        var host = address.Host.Trim('[', ']');
        return address.IsUnixPipe || host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host, out var ip) && IPAddress.IsLoopback(ip);
    }

    private static IEnumerable<string> Wrong(ApiOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.DataDirectory))
            yield return "DataDirectory is empty";
        foreach (var prefix in options.TreePrefixes.Concat(options.CoolbpfPrefixes).Append(options.DatadogPrefix).Where(p => !IsPrefix(p)))
            yield return $"'{prefix}' is no prefix of paths: it begins with a slash, ends with none, and has no braces";
        if (options.FormCacheBytes < 1)
            yield return $"FormCacheBytes is {options.FormCacheBytes}; it is 1 or more";
        if (options.Limits.RequestsPerSecond < 0 || options.Limits.Burst < 0)
            yield return $"Limits:RequestsPerSecond is {options.Limits.RequestsPerSecond} and Limits:Burst {options.Limits.Burst}; both are 0 (no limit) or more";
        if (options.Limits.ShutdownSeconds is < 0 or > 3600)
            yield return $"Limits:ShutdownSeconds is {options.Limits.ShutdownSeconds}; it goes from 0 to 3600";
        if (options.Admin.Oidc.Authority is { } authority && !IsSecureUrl(authority))
            yield return $"Admin:Oidc:Authority is '{authority}'; it is an https URL, or an http one of this machine";
        if (options.Otlp.Endpoint is { } endpoint && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var collector) && collector.Scheme is "http" or "https"))
            yield return $"Otlp:Endpoint is '{endpoint}'; it is a URL such as http://collector:4318/v1/traces";
        if (options.Otlp.Ratio is not (>= 0 and <= 1))
            yield return $"Otlp:Ratio is {options.Otlp.Ratio}; it goes from 0 to 1";
        foreach (var (name, hash) in options.Admin.Keys.Where(k => k.Value.Length != 64 || !k.Value.All(char.IsAsciiHexDigit)))
            yield return $"Admin:Keys:{name} is '{hash}'; it is the SHA-256 of a key, 64 hex digits";
    }

    private static bool IsSecureUrl(string url) => Uri.TryCreate(url, UriKind.Absolute, out var parsed) && (parsed.Scheme == "https" || parsed.Scheme == "http" && parsed.IsLoopback);

    private static bool IsPrefix(string prefix) =>
        prefix.Length > 1 && prefix[0] == '/' && prefix[^1] != '/' && !prefix.AsSpan().ContainsAny("{}*?#");
}
