using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>The description of the API, the page that shows it, and a client that a generator makes of it.</summary>
public sealed partial class OpenApiTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task EveryRouteHasASummaryATagAndExamples()
    {
        var document = await api.GetAsync("/openapi/v1.json");
        var names = new HashSet<string>(StringComparer.Ordinal);
        var problems = new List<string>();
        foreach (var (path, item) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in item!.AsObject().Where(o => o.Value is JsonObject value && value.ContainsKey("responses")))
            {
                if (operation!["summary"] is null)
                    problems.Add($"{method} {path} has no summary");
                if (operation["tags"] is not JsonArray { Count: > 0 })
                    problems.Add($"{method} {path} has no tag");
                if (!names.Add(operation["operationId"]!.GetValue<string>()))
                    problems.Add($"{method} {path}: {operation["operationId"]} is there twice");
                if (method != "head" && ExampleProblem(operation) is { } problem)
                    problems.Add($"{method} {path}: {problem}");
                foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
                {
                    if (parameter!["example"] is null)
                        problems.Add($"{method} {path}: {parameter["name"]} has no example");
                }
            }
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.Contains("getV1Lookup", names);
    }

    /// <summary>What is wrong with the answer that is told of; null where nothing is.</summary>
    private static string? ExampleProblem(JsonNode operation)
    {
        var success = operation["responses"]!.AsObject().FirstOrDefault(response => response.Key.StartsWith('2')).Value;
        if (success?["content"] is not JsonObject { Count: > 0 } content)
            return "tells no content";
        var (type, media) = content.First();
        var isBinary = media!["schema"]?["format"]?.GetValue<string>() == "binary" || (media["schema"] is null && !type.Contains("json", StringComparison.Ordinal));
        return isBinary || media["example"] is not null ? null : $"{type} has no example";
    }

    /// <summary>An example that is no longer what the API answers is worse than none: the names in both are compared.</summary>
    [Fact]
    public async Task ExamplesHaveTheNamesOfRealAnswers()
    {
        await api.PublishAsync(ApiFixture.Build("6.1.0-1-example"), ApiFixture.MakeBtf("example"));
        var document = await api.GetAsync("/openapi/v1.json");
        var key = (await File.ReadAllTextAsync(Path.Combine(api.Data, "keys", "admin.key"))).Trim();
        foreach (var path in (string[])["/v1/lookup?uname=6.1.0-1-example", "/v1/kernels", "/v1/coverage", "/v1/manifest", "/v1/keys", "/v1/sources", "/v1/sources/debian", "/health/ready", "/v1/coverage/gaps", "/v1/coverage/listed", "/v1/coverage/listed/gaps", "/v1/admin/audit", "/v1/admin/jobs", "/v1/runs"])
        {
            var described = path.Split('?')[0].Replace("/debian", "/{id}", StringComparison.Ordinal);
            var example = document["paths"]![described]!["get"]!["responses"]!["200"]!["content"]!["application/json"]!["example"]!.AsObject();
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
            using var response = await api.Client.SendAsync(request);
            Assert.Empty(Unknown(JsonNode.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync()), example).Select(name => $"{path}: the example lacks {name}"));
        }
    }

    /// <summary>Names in an answer, of objects within objects and of the first of each list, that its example has not.</summary>
    private static IEnumerable<string> Unknown(JsonNode? answer, JsonNode? example) => (answer, example) switch
    {
        (JsonObject one, JsonObject other) => one.SelectMany(property =>
            other.TryGetPropertyValue(property.Key, out var known) ? Unknown(property.Value, known) : [property.Key]),
        (JsonArray { Count: > 0 } one, JsonArray { Count: > 0 } other) => Unknown(one[0], other[0]),
        _ => [],
    };

    [Fact]
    public async Task PageAsksNobodyElse()
    {
        var page = await api.Client.GetStringAsync(new Uri("/openapi/index.html", UriKind.Relative));
        var files = References().Matches(page).Select(m => m.Groups[1].Value).ToList();
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            Assert.DoesNotContain("//", file, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await api.Client.GetAsync(new Uri(new Uri(api.Address, "/openapi/"), file))).StatusCode);
        }
    }

    /// <summary>openapi-typescript makes types of the description, TypeScript checks a client against them, and node runs it.</summary>
    [Fact]
    [Trait("Category", "Real")]
    public async Task AGeneratedClientCompilesAndLooksUp()
    {
        await api.PublishAsync(ApiFixture.Build("6.1.0-1-generated"), ApiFixture.MakeBtf("generated"));
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("v1.json"), await api.Client.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative)));
        await File.WriteAllTextAsync(folder.File("client.mts"), """
            import createClient from "openapi-fetch";
            import type { paths } from "./schema.js";
            const client = createClient<paths>({ baseUrl: process.argv[2] });
            const { data, error } = await client.GET("/v1/lookup", { params: { query: { uname: "6.1.0-1-generated", distro: "debian" } } });
            if (error || !data) throw new Error(JSON.stringify(error));
            const uname: string = data.candidates[0].kernel.uname;
            const size = Number(data.candidates[0].kernel.btf?.size);
            console.log(`${uname} ${size > 0} ${data.ambiguous}`);
            """);
        Tool.Shell($"""
            cd '{folder.FullPath}' && npm init -y >/dev/null && npm install --no-audit --no-fund openapi-typescript@7.13.0 openapi-fetch@0.14.0 typescript@5.9 @types/node@22 >npm.log 2>&1 || (cat npm.log >&2; exit 1)
            npx openapi-typescript v1.json -o schema.d.ts >&2
            npx tsc --strict --module nodenext --moduleResolution nodenext --target es2022 --skipLibCheck client.mts
            """);
        Assert.Equal("6.1.0-1-generated true false\n", Tool.Shell($"cd '{folder.FullPath}' && node client.mjs {api.Address}"));
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]+)\"")]
    private static partial Regex References();
}
