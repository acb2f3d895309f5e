using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Archive.Store.Provenance;

/// <summary>The document as UTF-8 JSON: snake_case, properties in the order of their declaration, dictionaries by key; equal documents, equal bytes.</summary>
public static class ProvenanceJson
{
    /// <summary>Relaxed: the file is never part of a web page, and versions are full of plus signs.</summary>
    private static readonly JsonWriterOptions Layout = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static byte[] Write(ProvenanceDocument document)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Layout))
            JsonSerializer.Serialize(writer, InOrder(document), ProvenanceJsonContext.Default.ProvenanceDocument);
        buffer.Write("\n"u8);
        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="JsonException">The bytes are no such document, or one of a later schema.</exception>
    public static ProvenanceDocument Read(ReadOnlySpan<byte> bytes)
    {
        var document = JsonSerializer.Deserialize(bytes, ProvenanceJsonContext.Default.ProvenanceDocument)
            ?? throw new JsonException("the provenance is null");
        return document.SchemaVersion <= ProvenanceDocument.CurrentSchemaVersion
            ? document
            : throw new JsonException($"the provenance is of schema {document.SchemaVersion}; this version reads up to {ProvenanceDocument.CurrentSchemaVersion}");
    }

    private static ProvenanceDocument InOrder(ProvenanceDocument document) => document with
    {
        TypeCounts = Sorted(document.TypeCounts),
        Conversion = document.Conversion with { Options = Sorted(document.Conversion.Options) },
    };

    private static SortedDictionary<string, T> Sorted<T>(IReadOnlyDictionary<string, T> values) =>
        new(values.ToDictionary(), StringComparer.Ordinal);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ProvenanceDocument))]
internal sealed partial class ProvenanceJsonContext : JsonSerializerContext;
