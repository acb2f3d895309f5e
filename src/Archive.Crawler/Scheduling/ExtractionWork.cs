using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;

namespace Archive.Crawler.Scheduling;

/// <summary>All that a worker needs to know to see one kernel through: what the crawl found, and what it was asked for. As JSON in the job.</summary>
/// <remarks>Workers of two versions share jobs during an upgrade: fields are only added, and absent ones have a meaning.</remarks>
internal sealed record ExtractionWork(FoundKernel Found, CrawlRequest Request)
{
    private static readonly JsonSerializerOptions Options = new() { Converters = { new AlgorithmConverter() }, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>The same for whoever finds the build, so that it is queued once.</summary>
    public string Name
    {
        get
        {
            var build = Found.Build;
            var identity = $"{build.Key}/{build.PackageName}/{build.PackageVersion}";
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..32];
        }
    }

    /// <summary>The host that most of the work's bytes come from.</summary>
    public string Host => Found.Urls[0].Authority.Replace(':', '_');

    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <exception cref="JsonException">It is none.</exception>
    public static ExtractionWork Parse(string json) => JsonSerializer.Deserialize<ExtractionWork>(json, Options) ?? throw new JsonException("the job has no work");

    private sealed class AlgorithmConverter : JsonConverter<HashAlgorithmName>
    {
        public override HashAlgorithmName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString());

        public override void Write(Utf8JsonWriter writer, HashAlgorithmName value, JsonSerializerOptions options) => writer.WriteStringValue(value.Name);
    }
}
