using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace Archive.Api.Endpoints;

/// <summary>The description of the API, with an example of every parameter and every answer, and a page that shows it, whose files are in the program.</summary>
public static class OpenApiEndpoints
{
    private const string Page = "/openapi";

    private const string Document = "/openapi/v1.json";

    /// <summary>By parameter; values that a first look at an archive of Debian's kernels has an answer to.</summary>
    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        ["uname"] = "6.1.0-56-cloud-amd64",
        ["arch"] = "x86_64",
        ["distro"] = "debian",
        ["version"] = "12",
        ["build_id"] = "0f6b6a2c1d5e4f3a9b8c7d6e5f4a3b2c1d0e9f8a",
        ["os_release"] = "ID=debian\nVERSION_ID=12",
        ["sha256"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ["hex"] = "0f6b6a2c1d5e4f3a9b8c7d6e5f4a3b2c1d0e9f8a",
        ["form"] = "raw",
        ["outcome"] = "published",
        ["format"] = "json",
        ["after"] = "debian/12/x86_64/6.1.0-44-cloud-amd64",
        ["behind"] = "1:6.1.0-56-cloud-amd64",
        ["since"] = "0",
        ["limit"] = "100",
        ["window"] = "27",
        ["source"] = "debian",
        ["reason"] = "built by a broken compiler",
        ["package_version"] = "6.1.158-1",
        ["id"] = "verify-0001",
        ["name"] = "task_struct",
        ["file"] = "6.1.0-56-cloud-amd64.btf.tar.xz",
        ["of"] = "task_struct.state|__state",
        ["with"] = "debian/12/x86_64/6.1.0-44-cloud-amd64",
        ["distribution"] = "debian",
        ["distribution_version"] = "12",
        ["kernel_version"] = "6.1.0-56-cloud-amd64",
        ["profile"] = "bcc",
        ["without"] = "enum64,type_tag,decl_tag",
        ["for"] = "5.4",
        ["release"] = "bookworm",
        ["flavour"] = "cloud",
        ["newest"] = "3",
        ["retry_failed"] = "true",
        ["place"] = "https://github.com/aquasecurity/btfhub-archive/archive/refs/heads/main.tar.gz",
    };

    public static void AddArchiveOpenApi(this IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "BTF Archive", Version = "1", Description = "BTF of Linux kernels: look up, download, verify. Errors are problem documents (RFC 9457)." };
            document.Servers = []; // Whatever the page or the file came from.
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            operation.OperationId ??= NameOf(context.Description.HttpMethod, context.Description.RelativePath ?? "");
            foreach (var parameter in (operation.Parameters ?? []).OfType<OpenApiParameter>())
                parameter.Example ??= ExampleOf(parameter);
            OpenApiAnswers.Describe(operation, context.Description.ActionDescriptor.EndpointMetadata);
            return Task.CompletedTask;
        });
    });

    public static void MapArchiveOpenApi(this WebApplication app)
    {
        app.MapOpenApi();
        app.UseWhen(static context => context.Request.Path.StartsWithSegments(Page, StringComparison.Ordinal), static branch => branch.UseSwaggerUI(page =>
        {
            page.RoutePrefix = Page[1..];
            page.DocumentTitle = "BTF Archive: API";
            page.SwaggerEndpoint(Document, "v1");
            page.EnableDeepLinking();
            page.ConfigObject.AdditionalItems["validatorUrl"] = "none"; // Or it would ask a third party.
        }));
    }

    private static JsonValue? ExampleOf(OpenApiParameter parameter)
    {
        if (parameter.Name is not { } name || !Examples.TryGetValue(name, out var text))
            return null;
        var isNumber = parameter.Schema?.Type is { } type && (type.HasFlag(JsonSchemaType.Integer) || type.HasFlag(JsonSchemaType.Number));
        if (!isNumber)
            return JsonValue.Create(text);
        return JsonValue.Create(int.TryParse(text, out var number) ? number : 0); // after: a place in some lists, a sequence number in others.
    }

    /// <summary>As generators make methods of: <c>getV1KernelsDistroVersion</c>.</summary>
    private static string NameOf(string? method, string path) => (method ?? "get").ToLowerInvariant() + string.Concat(
        WithoutConstraints(path).Split(['/', '{', '}', '.', '-', '_'], StringSplitOptions.RemoveEmptyEntries).Select(part => char.ToUpperInvariant(part[0]) + part[1..]));

    /// <summary><c>{id:regex(^[0-9]{2}$)}</c> is <c>{id}</c>.</summary>
    private static string WithoutConstraints(string path)
    {
        var (text, depth, isConstraint) = (new System.Text.StringBuilder(), 0, false);
        foreach (var c in path)
        {
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
            isConstraint = depth > 0 && (isConstraint || c == ':');
            if (!isConstraint)
                text.Append(c);
        }
        return text.ToString();
    }
}
