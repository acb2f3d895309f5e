using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Archive.Crawler.Sources;

namespace Archive.Crawler.Http;

/// <summary>An HTTP client for crawls: that of all sources of a process, or of one that shows a certificate.</summary>
public sealed class CrawlClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20), AnswerTimeout = TimeSpan.FromMinutes(10), Patience = TimeSpan.FromMinutes(1);

    private CrawlClient(TimeProvider clock, TimeSpan? patience, SslClientAuthenticationOptions ssl, SharedPoliteness? shared)
    {
        Polite = new PoliteHandler(new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            AutomaticDecompression = DecompressionMethods.None,
            AllowAutoRedirect = false,
            SslOptions = ssl,
        }, clock, patience ?? Patience)
        {
            Shared = shared,
        };
        // Transfers may take hours; the limit is on the answer's beginning, of which waiting for the host's turn is a part.
        Client = new HttpClient(Polite) { Timeout = AnswerTimeout, DefaultRequestHeaders = { { "User-Agent", "btf-archive/0.1" } } };
    }

    public PoliteHandler Polite { get; }

    public HttpClient Client { get; }

    /// <param name="patience">How long an answer may send next to nothing; a minute by default.</param>
    internal static CrawlClient Plain(TimeProvider clock, TimeSpan? patience, SharedPoliteness? shared = null) => new(clock, patience, new SslClientAuthenticationOptions(), shared);

    /// <summary>With the certificate and the authority that the source names.</summary>
    /// <exception cref="CrawlException">A file is missing, or is none; the message names it.</exception>
    internal static CrawlClient For(SourceDefinition source, TimeProvider clock, TimeSpan? patience, SharedPoliteness? shared = null)
    {
        var ssl = new SslClientAuthenticationOptions();
        try
        {
            if (source.ClientCertificate is { } certificate)
                ssl.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, source.ClientKey)];
            if (source.CertificateAuthority is { } authority)
                ssl.CertificateChainPolicy = Trusting(authority);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CrawlException($"the certificates of {source.Id} ({source.ClientCertificate}, {source.ClientKey}, {source.CertificateAuthority}) cannot be read: {e.Message}", e);
        }
        return new CrawlClient(clock, patience, ssl, shared);
    }

    public void Dispose() => Client.Dispose();

    private static X509ChainPolicy Trusting(string authority)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(authority);
        return policy;
    }
}
