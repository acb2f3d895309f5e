using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace TestKit;

/// <summary>Azure's storage emulator (Azurite, from npm, kept in the test cache), on the loopback with everything in memory. It ends with this process.</summary>
public sealed class AzuriteServer : IDisposable
{
    private const string Version = "3.37.0";
    private const string Account = "devstoreaccount1";

    /// <summary>The emulator's key, which everyone knows: learn.microsoft.com/azure/storage/common/storage-use-azurite.</summary>
    private const string Key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private static readonly Lazy<AzuriteServer> SharedServer = new(() =>
    {
        var server = new AzuriteServer();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        return server;
    });

    private readonly Process _process;

    /// <param name="certificate">Of a server that talks HTTPS, and takes tokens beside keys and signatures.</param>
    public AzuriteServer(LoopbackCertificate? certificate = null)
    {
        Url = new Uri($"{(certificate is null ? "http" : "https")}://127.0.0.1:{Ports.Free()}/");
        var secure = certificate is null ? "" : $" --oauth basic --cert {certificate.CertificatePath} --key {certificate.KeyPath}";
        var script = Path.Combine(Installed(), "node_modules", "azurite", "dist", "src", "blob", "main.js");
        var server = string.Create(CultureInfo.InvariantCulture,
            $"node {script} --blobHost 127.0.0.1 --blobPort {Url.Port} --inMemoryPersistence --skipApiVersionCheck --disableTelemetry --silent{secure}");
        // It goes when our end of its guard's input is closed, which happens at our death too.
        _process = Tool.Start("sh", ["-c", $"{server} >/dev/null 2>&1 & server=$!; cat; kill -9 $server"]);
        WaitUntilReady();
    }

    /// <summary>One for all tests of this process.</summary>
    public static AzuriteServer Shared => SharedServer.Value;

    /// <summary>Of the server; an account's blobs are below its name.</summary>
    public Uri Url { get; }

    /// <summary>URL of the account, for those who sign in by an identity.</summary>
    public Uri AccountUrl => new(Url, Account);

    /// <summary>Connection string, by way of a proxy where one is given.</summary>
    public string ConnectionString(Uri? proxy = null) =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={proxy ?? Url}{Account};";

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>The folder whose <c>node_modules</c> have it.</summary>
    public static string Installed() => TestCache.Made("azurite", Version, folder => Tool.Run("npm", "install", "--no-fund", "--no-audit", "--prefix", folder, $"azurite@{Version}"));

    private void WaitUntilReady()
    {
        for (var waited = Stopwatch.StartNew(); ; Thread.Sleep(100))
        {
            try
            {
                using var client = new TcpClient(Url.Host, Url.Port);
                return;
            }
            catch (SocketException) when (waited.Elapsed < Patience)
            {
            }
        }
    }
}
