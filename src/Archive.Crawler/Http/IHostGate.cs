namespace Archive.Crawler.Http;

/// <summary>The turns that requests to one host take, and what is remembered of how they went.</summary>
internal interface IHostGate : IDisposable
{
    /// <summary>Waits for the request's turn; what is returned ends it.</summary>
    /// <exception cref="MirrorException">The host is left alone, or its bytes for today are used up.</exception>
    Task<IDisposable> EnterAsync(Uri url, CancellationToken cancellation);

    void Received(int bytes);

    void Succeeded();

    void Failed();
}
