using System.Text.Json;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>
/// The catalogue of Datadog's btfhub: <c>{arch: {distro: {version: {uname: {"sha256": …}}}}}</c>, of the tarballs in the tree beside it.
/// Streamed, so that it costs no memory however many kernels there are.
/// </summary>
public static class DatadogEndpoints
{
    private const int FlushBytes = 64 * 1024;

    public static void MapDatadog(this WebApplication app, string prefix) => app.MapGet($"{prefix}/catalog.json", (HttpContext context, ICatalogue catalogue) =>
            TypedResults.Stream(body => WriteAsync(body, catalogue, context.RequestAborted), "application/json"))
        .WithTags("compatibility")
        .WithSummary("SHA-256 of every tarball by arch, distro, version and uname, as Datadog's agent reads it");

    private static async Task WriteAsync(Stream body, ICatalogue catalogue, CancellationToken cancellation)
    {
        await using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        foreach (var arch in (string[])["x86_64", "arm64"])
        {
            json.WriteStartObject(arch);
            var tree = new Nesting(json);
            await foreach (var newest in NewestAsync(catalogue.PublishedAsync(new KernelFilter { Arch = arch }, cancellation)))
            {
                tree.Enter(newest.Build.Key);
                json.WriteStartObject(newest.Build.Key.Uname);
                json.WriteString("sha256", newest.Publication!.Tarball.Sha256);
                json.WriteEndObject();
                if (json.BytesPending > FlushBytes)
                    await json.FlushAsync(cancellation);
            }
            tree.Leave();
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    /// <summary>Of the builds of each key, which come one after the other, the newest: the one that the tree serves.</summary>
    internal static async IAsyncEnumerable<KernelRecord> NewestAsync(IAsyncEnumerable<KernelRecord> records)
    {
        KernelRecord? newest = null;
        await foreach (var record in records)
        {
            if (newest is not null && newest.Build.Key != record.Build.Key)
                yield return newest;
            else if (newest is not null && PackageVersionOrder.Instance.Compare(newest.Build.PackageVersion, record.Build.PackageVersion) > 0)
                continue;
            newest = record;
        }
        if (newest is not null)
            yield return newest;
    }

    /// <summary>The objects of distro and version that are open.</summary>
    private sealed class Nesting(Utf8JsonWriter json)
    {
        private KernelKey? _current;

        public void Enter(KernelKey key)
        {
            if (_current?.Distro == key.Distro && _current.Version == key.Version)
                return;
            if (_current is not null)
                json.WriteEndObject();
            if (_current is not null && _current.Distro != key.Distro)
                json.WriteEndObject();
            if (_current?.Distro != key.Distro)
                json.WriteStartObject(key.Distro);
            json.WriteStartObject(key.Version);
            _current = key;
        }

        public void Leave()
        {
            if (_current is null)
                return;
            json.WriteEndObject();
            json.WriteEndObject();
        }
    }
}
