using Archive.Api.Admin;
using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Api.Pages.Compatibility;
using Archive.Api.Pages.Coverage;
using Archive.Api.Pages.Home;
using Archive.Api.Pages.Kernels;
using Archive.Api.Pages.Sources;
using Archive.Api.Pages.Types;
using Microsoft.AspNetCore.DataProtection;

namespace Archive.Api.Pages;

/// <summary>The pages for people, beside the API.</summary>
public static class PageServices
{
    /// <param name="dataDirectory">Holds the keys that sign cookies and forms.</param>
    /// <param name="admin">Null where nobody may administrate.</param>
    public static void AddPages(this IServiceCollection services, string dataDirectory, AdminKeys? admin)
    {
        if (admin is not null)
            services.AddSingleton(admin);
        services.AddSingleton<IProblemDetailsWriter, ProblemPages>(); // Before the framework's own, which writes whatever it is given.
        services.AddHttpContextAccessor();
        services.AddDataProtection().SetApplicationName("btf-archive").PersistKeysToFileSystem(new DirectoryInfo(Path.Combine(dataDirectory, "keys", "pages")));
        services.AddResponseCompression(compression =>
        {
            compression.EnableForHttps = true; // What is secret in a page, the token of a form, is masked anew each time.
            compression.MimeTypes = ["text/html", "image/svg+xml", "application/atom+xml", "text/csv"];
        });
        services.AddRazorComponents();
        services.AddSession();
        services.AddPagePolicies();
        services.AddScoped<Visitor>();
        services.AddSingleton<Finder>();
        services.AddSingleton<Charts>();
        services.AddSingleton<KernelDetails>();
        services.AddSingleton<SharedRuns>();
        services.AddSingleton<CompatibilityRuns>();
        services.AddHostedService(provider => provider.GetRequiredService<CompatibilityRuns>());
    }

    public static void UsePages(this WebApplication app)
    {
        app.UseResponseCompression();
        ((IApplicationBuilder)app).Properties["__AuthenticationMiddlewareSet"] = true; // Or the framework would add it for all.
        app.UseWhen(static context => context.Request.Headers.Cookie.Count > 0, static visited => visited.UseAuthentication()); // A session is a cookie.
    }

    public static void MapPages(this WebApplication app)
    {
        app.MapAssets();
        app.MapSession();
        app.MapHome();
        app.MapCoveragePages();
        app.MapKernelPages();
        app.MapKernelLines();
        app.MapChangesPage();
        app.MapTypePages();
        app.MapCompatibilityPages(app.Services.GetRequiredService<ObjectOptions>());
        app.MapSourcePages();
    }
}
