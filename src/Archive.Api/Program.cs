using Archive.Api;
using Archive.Api.Commands;
using Archive.Api.Endpoints;
using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Crawler;
using Archive.Store;
using Archive.Store.Trust;

if (await ArchiveCommands.TryRunAsync(args) is { } status)
    return status;

// Settings stand beside the program, wherever it is started from; the data directory is relative to the current one.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
var options = builder.Configuration.Get<ApiOptions>() ?? new ApiOptions();

builder.AddArchiveLogging();
builder.AddArchiveLimits();
builder.Services.AddSingleton(options);
builder.Services.AddArchiveStore(new StoreOptions { DataDirectory = options.DataDirectory });
builder.Services.AddKernelServices(options);
builder.AddObjectServices(options.DataDirectory);
builder.Services.AddArchiveProblems();
builder.Services.AddOpenApi();
if (options.Roles.Crawler)
    builder.Services.AddCrawler(builder.Configuration, options.DataDirectory);

var app = builder.Build();
app.UseArchiveProblems();
app.UseEmptyVersions();
app.UseRouting();
app.UseRateLimiter();
app.MapHealth();
if (options.Roles.Api)
{
    app.Services.GetRequiredService<SigningKeys>(); // Made at the first start.
    app.MapOpenApi();
    app.MapTree([.. options.TreePrefixes, options.DatadogPrefix]);
    app.MapCoolbpf(options.CoolbpfPrefixes);
    app.MapBtfhubOnline();
    app.MapDatadog(options.DatadogPrefix);
    app.MapDebuginfod();
    app.MapLookup();
    app.MapKernels();
    app.MapContent();
    app.MapRuns();
    app.MapTypes();
    app.MapObjects(app.Services.GetRequiredService<ObjectOptions>());
    app.MapTrust();
    app.MapBulk();
    app.MapCoverage();
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
