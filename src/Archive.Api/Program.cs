using Archive.Api;
using Archive.Api.Admin;
using Archive.Api.Commands;
using Archive.Api.Endpoints;
using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Api.Observability;
using Archive.Api.Pages;
using Archive.Crawler;
using Archive.Crawler.Sources;
using Archive.Store;
using Archive.Store.Trust;

if (await ArchiveCommands.TryRunAsync(args) is { } status)
    return status;

_ = SourceFiles.BeginReading();

// Settings stand beside the program, wherever it is started from; the data directory is relative to the current one.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
ApiOptions options;
AdminKeys? admin;
StoreOptions storage;
try
{
    options = Settings.Read(builder.Configuration);
    storage = Settings.ReadStore(builder.Configuration, options.DataDirectory);
    builder.Services.AddSources(builder.Configuration);
    admin = options.Roles.Api ? AdminKeys.Open(options.Admin, Settings.IsLoopback(builder.Configuration), options.DataDirectory) : null;
}
catch (Exception e) when (e is ConfigurationException or SourceDefinitionException)
{
    await Console.Error.WriteLineAsync($"settings: {e.Message}");
    return 2;
}

builder.AddArchiveLogging();
builder.AddArchiveLimits(options.Limits);
builder.Services.AddSingleton(options);
builder.Services.AddArchiveStore(storage);
builder.Services.AddKernelServices(options);
builder.AddObjectServices(options.DataDirectory);
builder.Services.AddPages(options.DataDirectory, admin);
builder.Services.AddArchiveProblems();
builder.Services.AddArchiveOpenApi();
builder.Services.AddArchiveTracing(options.Otlp);
var isCluster = storage.Catalogue == CatalogueKind.Postgres;
if (options.Roles.Crawler || isCluster)
    builder.Services.AddCrawler(builder.Configuration, storage, new WorkerRoles(options.Roles.Crawler, isCluster && options.Roles.Extractor));

var app = builder.Build();
app.UseArchiveTracing();
app.UseArchiveProblems();
app.UseEmptyVersions();
app.UseRouting();
app.UseArchiveLimits();
app.UsePages();
app.Services.GetRequiredService<PrometheusListener>();
app.MapHealth();
app.MapMetrics();
if (options.Roles.Api)
{
    app.Services.GetRequiredService<SigningKeys>(); // Made at the first start.
    app.MapArchiveOpenApi();
    app.MapTree([.. options.TreePrefixes, options.DatadogPrefix]);
    app.MapCoolbpf(options.CoolbpfPrefixes);
    app.MapBtfhubOnline();
    app.MapDatadog(options.DatadogPrefix);
    app.MapDebuginfod();
    app.MapLookup();
    app.MapHosts();
    app.MapKernels();
    app.MapContent();
    app.MapForms();
    app.MapRuns();
    app.MapSources();
    app.MapTypes();
    app.MapObjects(app.Services.GetRequiredService<ObjectOptions>());
    app.MapTrust();
    app.MapBulk();
    app.MapCoverage();
    app.MapPages();
    if (admin is not null)
        app.MapAdmin(admin, options.Admin.Oidc);
}
try
{
    await app.RunAsync();
}
catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    Serilog.Log.Fatal("{Reason} Another process listens there: stop it, or choose another address with --Urls=http://127.0.0.1:PORT", e.Message);
    return 1;
}
return 0;
