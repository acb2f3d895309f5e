using System.Text.Json.Nodes;
using Archive.Api.Objects;
using Microsoft.OpenApi;

namespace Archive.Api.Endpoints;

/// <summary>What each operation answers with, and an example of it: answers of an archive of Debian's kernels, cut short, and where it had none (administration, what is listed) written after the documents' types. In <c>openapi-examples.json</c>, by operation.</summary>
internal static class OpenApiAnswers
{
    private const string Success = "200", Json = "application/json";

    private static readonly Dictionary<string, Answer> Answers = Read();

    /// <param name="MediaType">Of the answer that is usual.</param>
    /// <param name="Example">Null where it is no text.</param>
    private sealed record Answer(string MediaType, JsonNode? Example);

    public static void Describe(OpenApiOperation operation, IList<object> metadata)
    {
        if (metadata.OfType<TakesObjects>().Any())
            operation.RequestBody = Objects();
        if (Answers.TryGetValue(operation.OperationId ?? "", out var answer))
            Describe(SuccessOf(operation), answer);
    }

    private static OpenApiResponse SuccessOf(OpenApiOperation operation)
    {
        operation.Responses ??= [];
        var (_, known) = operation.Responses.FirstOrDefault(response => response.Key.StartsWith('2'));
        if (known is OpenApiResponse success)
            return success;
        success = new OpenApiResponse { Description = "OK" };
        operation.Responses[Success] = success;
        return success;
    }

    private static void Describe(OpenApiResponse response, Answer answer)
    {
        response.Content ??= new Dictionary<string, OpenApiMediaType>();
        if (!response.Content.TryGetValue(answer.MediaType, out var content))
            response.Content[answer.MediaType] = content = new OpenApiMediaType { Schema = SchemaOf(answer) };
        content.Example ??= answer.Example?.DeepClone();
    }

    private static OpenApiSchema SchemaOf(Answer answer) => answer switch
    {
        { MediaType: Json, Example: JsonArray } => new() { Type = JsonSchemaType.Array, Items = new OpenApiSchema() },
        { MediaType: Json } => new() { Type = JsonSchemaType.Object },
        { Example: null } => new() { Type = JsonSchemaType.String, Format = "binary" },
        _ => new() { Type = JsonSchemaType.String },
    };

    /// <summary>As <see cref="UploadedObjects"/> reads them.</summary>
    private static OpenApiRequestBody Objects()
    {
        var file = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" };
        var form = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Properties = new Dictionary<string, IOpenApiSchema> { ["object"] = new OpenApiSchema { Type = JsonSchemaType.Array, Items = file } },
        };
        return new OpenApiRequestBody
        {
            Required = true,
            Description = "BPF objects (ELF): several as a form, whose fields may have any name, or one as the body.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["multipart/form-data"] = new OpenApiMediaType { Schema = form },
                ["application/octet-stream"] = new OpenApiMediaType { Schema = file },
            },
        };
    }

    private static Dictionary<string, Answer> Read()
    {
        using var file = typeof(OpenApiAnswers).Assembly.GetManifestResourceStream("openapi-examples.json")!;
        var answers = new Dictionary<string, Answer>(StringComparer.Ordinal);
        foreach (var (operation, answer) in JsonNode.Parse(file)!.AsObject())
            answers[operation] = new Answer(answer!["media_type"]!.GetValue<string>(), answer["example"]);
        return answers;
    }
}

/// <summary>An operation that takes BPF objects.</summary>
internal sealed class TakesObjects;
