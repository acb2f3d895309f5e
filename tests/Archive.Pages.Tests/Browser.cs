using Archive.Api.Tests;
using Microsoft.Playwright;
using TestKit;

namespace Archive.Pages.Tests;

/// <summary>The real pages over real kernels in a real Chromium, which the host's distro has.</summary>
public sealed class Browser : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium", AxeVersion = "4.14.1";
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private string _axe = "";

    public static readonly (string Name, ViewportSize Size, ColorScheme Scheme)[] Views =
    [
        ("desktop-light", new() { Width = 1280, Height = 900 }, ColorScheme.Light), ("phone-dark", new() { Width = 390, Height = 844 }, ColorScheme.Dark),
        ("desktop-dark", new() { Width = 1280, Height = 900 }, ColorScheme.Dark), ("phone-light", new() { Width = 390, Height = 844 }, ColorScheme.Light),
    ];

    public ApiFixture Api { get; private set; } = null!;

    /// <summary>Screenshots stay where the test's assembly is.</summary>
    private static string Screenshots => Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "screenshots")).FullName;

    public async Task InitializeAsync()
    {
        Api = new ApiFixture(RealArchive.CopyTo, ("Objects:MaxPerMinute", "10000"));
        _axe = await File.ReadAllTextAsync(AxePath());
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, Args = ["--no-sandbox", "--disable-gpu"] });
    }

    /// <summary>A tab of its own, that notes what goes wrong in it.</summary>
    public async Task<Tab> OpenAsync(int view = 0, bool withScript = true)
    {
        var (name, size, scheme) = Views[view];
        var context = await _browser!.NewContextAsync(new() { BaseURL = Api.Address.ToString(), ViewportSize = size, ColorScheme = scheme, JavaScriptEnabled = withScript, AcceptDownloads = true });
        context.SetDefaultTimeout(60_000);
        return new Tab(context, await context.NewPageAsync(), name, _axe, Screenshots);
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        Api.Dispose();
    }

    private static string AxePath() => Path.Combine(
        TestCache.Made("axe-core", AxeVersion, folder => Tool.Shell($"cd '{folder}'; npm pack --silent axe-core@{AxeVersion}; tar xzf axe-core-*.tgz package/axe.min.js; rm axe-core-*.tgz")),
        "package", "axe.min.js");
}

/// <summary>A tab of the browser.</summary>
public sealed class Tab : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly string _view, _axe, _screenshots;
    private readonly List<string> _complaints = [];

    internal Tab(IBrowserContext context, IPage page, string view, string axe, string screenshots)
    {
        (_context, Page, _view, _axe, _screenshots) = (context, page, view, axe, screenshots);
        page.Console += (_, message) => { if (message.Type is "error" or "warning") _complaints.Add(message.Text); };
        page.PageError += (_, error) => _complaints.Add(error);
        page.Request += (_, request) => { if (!request.Url.StartsWith("http://127.0.0.1:", StringComparison.Ordinal)) _complaints.Add($"asks {request.Url}"); };
    }

    public IPage Page { get; }

    public async Task GoAsync(string path)
    {
        var answer = await Page.GotoAsync(path);
        Assert.Equal(200, answer!.Status);
    }

    /// <summary>No complaint in the console, nothing wider than the screen, nothing that axe calls serious; a screenshot is kept.</summary>
    public async Task CheckAsync(string name, bool withAxe = true)
    {
        await Page.ScreenshotAsync(new() { Path = Path.Combine(_screenshots, $"{name}-{_view}.png"), FullPage = true });
        Assert.Empty(_complaints);
        if (!withAxe)
            return;
        var overflow = await Page.EvaluateAsync<int>("document.documentElement.scrollWidth - window.innerWidth");
        Assert.True(overflow <= 0, $"{name} ({_view}) is {overflow} pixels too wide");
        await Page.EvaluateAsync(_axe);
        var found = await Page.EvaluateAsync<string[]>("""
            async () => (await axe.run(document, { resultTypes: ['violations'] })).violations
                .filter(v => v.impact === 'serious' || v.impact === 'critical')
                .map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + ' ' + n.failureSummary).join(' | '))
            """);
        Assert.True(found.Length == 0, $"{name} ({_view}): {string.Join('\n', found)}");
    }

    public ValueTask DisposeAsync() => new(_context.DisposeAsync().AsTask());
}
