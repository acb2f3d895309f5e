using System.Collections.Concurrent;
using System.Net;

namespace Archive.Crawler.Http;

/// <summary>
/// Sends the crawlers' requests: each host by its own <see cref="HostGate"/>, redirections followed one by one, since they lead to other
/// hosts, and bodies watched, since a server that sends a byte a minute never times out.
/// </summary>
/// <param name="patience">How long a body may send next to nothing.</param>
public sealed class PoliteHandler(HttpMessageHandler inner, TimeProvider clock, TimeSpan patience) : DelegatingHandler(inner)
{
    private const int MaxRedirects = 5;
    private readonly ConcurrentDictionary<string, IHostGate> _gates = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, Politeness> _politeness = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Where workers on several machines are polite together; null where there is this one only.</summary>
    internal SharedPoliteness? Shared { get; init; }

    /// <summary>What a source's file says of the hosts of its mirrors; where several sources share a host, the first counts.</summary>
    public void SetPoliteness(Uri mirror, Politeness politeness) => _politeness.TryAdd(mirror.Authority, politeness);

    /// <exception cref="MirrorException">Too many redirections, or to where we do not go; or the host is left alone.</exception>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var first = request.RequestUri!;
        if (first.IsFile)
            return OpenFile(first);
        for (var redirects = 0; ; redirects++)
        {
            var response = await SendOnceAsync(request, cancellationToken);
            if (!IsRedirect(response.StatusCode) || response.Headers.Location is not { } location)
                return response;
            response.Dispose();
            if (redirects == MaxRedirects)
                throw new MirrorException(first, $"redirects more than {MaxRedirects} times, last to {location}");
            request.RequestUri = Follow(first, request.RequestUri!, location);
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        foreach (var gate in _gates.Values)
            gate.Dispose();
    }

    /// <summary>A source of packages on this machine names its files; nothing that comes over the network can.</summary>
    private static HttpResponseMessage OpenFile(Uri url)
    {
        try
        {
            var file = new FileStream(url.LocalPath, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(file) };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new MirrorException(url, e.Message, e is FileNotFoundException or DirectoryNotFoundException, e);
        }
    }

    private static bool IsRedirect(HttpStatusCode status) => status is HttpStatusCode.Moved or HttpStatusCode.Found or HttpStatusCode.SeeOther
        or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    /// <summary>Elsewhere on the web, and not from an encrypted connection to a plain one.</summary>
    private static Uri Follow(Uri first, Uri from, Uri location)
    {
        var target = new Uri(from, location);
        var isAllowed = target.Scheme == Uri.UriSchemeHttps || target.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp;
        return isAllowed ? target : throw new MirrorException(first, $"redirects to {target}");
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        var gate = GateOf(request.RequestUri!);
        var turn = await gate.EnterAsync(request.RequestUri!, cancellation);
        try
        {
            var response = await base.SendAsync(request, cancellation);
            if (response.StatusCode >= HttpStatusCode.InternalServerError)
                gate.Failed();
            else
                gate.Succeeded();
            response.Content = new WatchedContent(response.Content, body => new WatchedStream(body, gate, clock, patience), turn);
            return response;
        }
        catch (Exception e)
        {
            turn.Dispose();
            if (e is HttpRequestException || !cancellation.IsCancellationRequested)
                gate.Failed();
            throw;
        }
    }

    private IHostGate GateOf(Uri url) => _gates.GetOrAdd(url.Authority, host =>
    {
        var politeness = _politeness.GetValueOrDefault(host, Politeness.Default);
        var local = new HostGate(host, politeness, clock);
        return Shared is null ? local : new SharedHostGate(host, politeness, Shared.Hosts, local, clock, Shared.Log);
    });

    /// <summary>The body of an answer; the request's turn ends with it.</summary>
    private sealed class WatchedContent : HttpContent
    {
        private readonly HttpContent _content;
        private readonly Func<Stream, WatchedStream> _watch;
        private readonly IDisposable _turn;

        public WatchedContent(HttpContent content, Func<Stream, WatchedStream> watch, IDisposable turn)
        {
            (_content, _watch, _turn) = (content, watch, turn);
            foreach (var header in content.Headers)
                Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        protected override async Task<Stream> CreateContentReadStreamAsync() =>
            _watch(await _content.ReadAsStreamAsync());

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await using var body = await CreateContentReadStreamAsync();
            await body.CopyToAsync(stream);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _content.Headers.ContentLength ?? 0;
            return _content.Headers.ContentLength is not null;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                _content.Dispose();
                _turn.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
