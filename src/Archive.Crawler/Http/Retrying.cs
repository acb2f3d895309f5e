using System.Net;
using System.Net.Sockets;
using Polly;
using Polly.Retry;

namespace Archive.Crawler.Http;

/// <summary>Retries of what may go better in a moment: exponential back-off with jitter.</summary>
internal static class Retrying
{
    public static ResiliencePipeline Pipeline(TimeProvider clock, TimeSpan firstDelay) => new ResiliencePipelineBuilder { TimeProvider = clock }
        .AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = 3,
            Delay = firstDelay,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            MaxDelay = TimeSpan.FromMinutes(1),
            // Who says how long to wait is believed; null leaves it to the back-off.
            DelayGenerator = static arguments => ValueTask.FromResult((arguments.Outcome.Exception as BusyException)?.RetryAfter),
            ShouldHandle = new PredicateBuilder().Handle<Exception>(IsTransient),
        })
        .Build();

    /// <summary>Connections that fail or break, time-outs, and statuses that servers send when they are busy.</summary>
    public static bool IsTransient(Exception e) => e switch
    {
        HttpRequestException { StatusCode: { } status } => IsTransient(status),
        HttpRequestException or SocketException or HttpIOException => true,
        IOException { InnerException: SocketException } => true,
        TaskCanceledException { InnerException: TimeoutException } => true,
        _ => false,
    };

    private static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;
}
