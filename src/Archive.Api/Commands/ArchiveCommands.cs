using System.CommandLine;
using System.Security.Cryptography;
using Archive.Api.Admin;
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Blobs.Azure;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Mirrors;
using Archive.Store.Trust;

namespace Archive.Api.Commands;

/// <summary>
/// What the program does besides serving: <c>sync</c>, <c>export</c>, <c>bulk</c> and <c>keys</c>. Exit status: 0 done, 1 failed with a message, 2 usage,
/// 130 interrupted.
/// </summary>
internal static class ArchiveCommands
{
    private const int Done = 0, Failed = 1, Usage = 2, Interrupted = 130;

    private static readonly Option<string> Data = new("--data") { Description = "Data directory.", DefaultValueFactory = _ => "data" };

    /// <summary>The exit status of the command that these arguments are; null where they are settings of the server.</summary>
    public static async Task<int?> TryRunAsync(string[] args)
    {
        if (args.Length == 0 || IsSetting(args[0]))
            return null;
        var parsed = new RootCommand("Commands of the archive.") { Sync(), Export(), Keys(), AdminKey(), BulkCommand.Create(GuardAsync), Health(), Catalogue() }.Parse(args);
        var status = await parsed.InvokeAsync();
        return parsed.Errors.Count > 0 ? Usage : status;
    }

    /// <summary><c>--Key value</c>, <c>--Key=value</c>, <c>/Key value</c> or <c>Key=value</c>; everything else is a command, or a mistake.</summary>
    private static bool IsSetting(string argument) =>
        argument is not ("--help" or "--version") && (argument.StartsWith("--", StringComparison.Ordinal) || argument.StartsWith('/') || argument.Contains('=', StringComparison.Ordinal));

    private static Command Sync()
    {
        var url = new Argument<string>("url") { Description = "Base URL of an archive, or of an exported tree." };
        url.Validators.Add(r =>
        {
            if (!Uri.TryCreate(r.GetValueOrDefault<string>(), UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https"))
                r.AddError($"'{r.GetValueOrDefault<string>()}' is no URL of an archive.");
        });
        var folder = new Argument<string>("folder") { Description = "Folder that is to equal it." };
        var key = new Option<FileInfo?>("--key") { Description = "Public key (PEM) to trust; by default the one trusted before, or at first the archive's first." };
        var (distro, version, arch) = (new Option<string?>("--distro"), new Option<string?>("--version"), new Option<string?>("--arch"));
        var intoStore = new Option<bool>("--into-store") { Description = "Put the tree into the blob store that the environment names (Blobs, ConnectionStrings__Blobs, Azure__Container); the folder then only has what the mirror remembers." };
        var command = new Command("sync", "Mirror an archive into a folder or a blob store: only what is new is fetched, and all of it is verified.") { url, folder, key, distro, version, arch, intoStore };
        command.SetAction((parsed, cancellation) => GuardAsync(async () =>
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
            var source = new HttpMirrorSource(client, new Uri(parsed.GetRequiredValue(url), UriKind.Absolute));
            var name = parsed.GetValue(distro);
            var filter = new MirrorFilter(KernelNames.Distro(name), parsed.GetValue(version) is { } v ? KernelNames.Version(name, v) : null, KernelNames.Arch(parsed.GetValue(arch)));
            var trusted = parsed.GetValue(key) is { } file ? Ed25519PublicKey.OfPem(await File.ReadAllTextAsync(file.FullName, cancellation)) : null;
            var path = parsed.GetRequiredValue(folder);
            await MirrorAsync(source, path, filter, trusted, parsed.GetValue(intoStore) ? await OpenStoreAsync(path, cancellation) : null, cancellation);
        }, cancellation));
        return command;
    }

    private static Command Export()
    {
        var folder = new Argument<string>("folder") { Description = "Folder that takes the tree." };
        var command = new Command("export", "Write the tree, with digests, chain and signature, for any web server or object store.") { folder, Data };
        command.SetAction((parsed, cancellation) => GuardAsync(async () =>
        {
            var data = parsed.GetRequiredValue(Data);
            using var store = await ArchiveStore.OpenAsync(StoreOptions.FromEnvironment(data), TimeProvider.System, cancellation);
            var keys = SigningKeys.Open(data);
            using var manifests = new Manifests(store.Catalogue, keys, TimeProvider.System, Path.Combine(data, "cache", "manifests"));
            await MirrorAsync(new LocalMirrorSource(store, keys, manifests), parsed.GetRequiredValue(folder), new MirrorFilter(null, null, null), keys.All()[^1].PublicKey, null, cancellation);
        }, cancellation));
        return command;
    }

    private static Command Keys()
    {
        var rotate = new Command("rotate", "Make a new signing key, endorsed by the one in use, which is retired.") { Data };
        rotate.SetAction(parsed => GuardAsync(() =>
        {
            Console.WriteLine($"signing with {SigningKeys.Open(parsed.GetRequiredValue(Data)).Rotate().PublicKey.Id} from now on");
            return Task.CompletedTask;
        }, default));
        var show = new Command("show", "Print the public key that signs.") { Data };
        show.SetAction(parsed => GuardAsync(() =>
        {
            Console.Write(SigningKeys.Open(parsed.GetRequiredValue(Data)).All()[^1].PublicKey.ToPem());
            return Task.CompletedTask;
        }, default));
        return new Command("keys", "The archive's signing keys.") { rotate, show };
    }

    private static Command Catalogue()
    {
        var (from, to) = (new Argument<string>("from") { Description = "File of a SQLite catalogue, or a connection string to PostgreSQL." }, new Argument<string>("to") { Description = "Likewise; an empty catalogue." });
        var copy = new Command("copy", "Copy a catalogue to another database, as of one moment. Stop the crawlers first: what they write meanwhile stays behind.") { from, to };
        copy.SetAction((parsed, cancellation) => GuardAsync(async () =>
        {
            using var source = OpenCatalogue(parsed.GetRequiredValue(from));
            using var target = OpenCatalogue(parsed.GetRequiredValue(to));
            Console.WriteLine($"{await source.CopyToAsync(target, cancellation)} rows copied; the chain ends at {(await target.ChainHeadAsync(cancellation)).Hash}");
        }, cancellation));
        return new Command("catalogue", "The archive's catalogue.") { copy };
    }

    private static SqlCatalogue OpenCatalogue(string place) => place.Contains('=', StringComparison.Ordinal)
        ? new PostgresCatalogue(place, TimeProvider.System)
        : new SqliteCatalogue(place, TimeProvider.System);

    private static Command Health()
    {
        var url = new Argument<string>("url") { Description = "Base URL of an archive.", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
        var command = new Command("health", "Ask an archive whether it is ready: for containers, which have no curl.") { url };
        command.SetAction((parsed, cancellation) => GuardAsync(async () =>
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(4) };
            using var answer = await client.GetAsync(new Uri(new Uri(parsed.GetRequiredValue(url), UriKind.Absolute), "/health/ready"), cancellation);
            Console.WriteLine(await answer.Content.ReadAsStringAsync(cancellation));
            answer.EnsureSuccessStatusCode();
        }, cancellation));
        return command;
    }

    private static Command AdminKey()
    {
        var name = new Argument<string>("name") { Description = "Who is to have it; the audit log shows the name." };
        var command = new Command("admin-key", "Make a key for an administrator, and the setting that lets it in.") { name };
        command.SetAction(parsed =>
        {
            var key = AdminKeys.Generate();
            Console.WriteLine($"key, shown once: {key}\nsetting: Admin__Keys__{parsed.GetRequiredValue(name)}={AdminKeys.HashOf(key)}");
        });
        return command;
    }

    private static async Task<IBlobStore> OpenStoreAsync(string folder, CancellationToken cancellation)
    {
        var options = StoreOptions.FromEnvironment(folder).Azure ?? throw new FormatException("--into-store: the environment names no blob store (Blobs=azure)");
        var store = new AzureBlobStore(options, TimeProvider.System);
        await store.InitialiseAsync(cancellation);
        return store;
    }

    private static async Task MirrorAsync(IMirrorSource source, string folder, MirrorFilter filter, Ed25519PublicKey? trusted, IBlobStore? store, CancellationToken cancellation)
    {
        var progress = Console.IsOutputRedirected ? null : new Progress<Archive.Store.Catalogue.ChainHead>(head => Console.Write($"\rentry {head.Position}"));
        var result = await new ArchiveMirror(source, folder, filter, store).SyncAsync(trusted, progress, cancellation);
        Console.WriteLine($"{(progress is null ? "" : "\r")}{result.Entries} new entries, {result.Fetched} files ({result.Bytes} bytes) fetched, {result.Withdrawn} withdrawn; verified up to {result.Head.Position} {result.Head.Hash}");
    }

    private static async Task<int> GuardAsync(Func<Task> action, CancellationToken cancellation)
    {
        try
        {
            await action();
            return Done;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Interrupted;
        }
        catch (Exception e) when (e is MirrorSourceException or BlobStoreException or IOException or UnauthorizedAccessException or CryptographicException or FormatException or Btf.MalformedInputException or HttpRequestException
            or InvalidOperationException or ArgumentException or System.Data.Common.DbException or System.Text.Json.JsonException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return Failed;
        }
    }
}
