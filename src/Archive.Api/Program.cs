using Archive.Api;
using Archive.Api.Endpoints;
using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Crawler;
using Archive.Store;

var builder = WebApplication.CreateBuilder(args);
var options = builder.Configuration.Get<ApiOptions>() ?? new ApiOptions();

builder.AddArchiveLogging();
builder.AddArchiveLimits();
builder.Services.AddSingleton(options);
builder.Services.AddArchiveStore(new StoreOptions { DataDirectory = options.DataDirectory });
builder.Services.AddKernelServices();
builder.Services.AddArchiveProblems();
builder.Services.AddOpenApi();
if (options.Roles.Crawler)
    builder.Services.AddCrawler(builder.Configuration, options.DataDirectory);

var app = builder.Build();
app.UseArchiveProblems();
app.MapHealth();
if (options.Roles.Api)
{
    app.MapOpenApi();
    app.MapTree(options.TreePrefixes);
    app.MapLookup();
    app.MapKernels();
    app.MapContent();
    app.MapRuns();
}
await app.RunAsync();

/// <summary>The entry point, named for tests that start the application in process.</summary>
public partial class Program;
