using System.Collections.Concurrent;
using System.Globalization;

namespace Archive.Api.Admin;

/// <summary>Work that an administrator started, as it stands.</summary>
/// <param name="State"><c>running</c>, <c>done</c>, <c>failed</c>, <c>cancelled</c>.</param>
/// <param name="Checked">So far.</param>
/// <param name="Report">Of what is done.</param>
/// <param name="Error">Of what failed.</param>
public sealed record AdminJob(string Id, string Kind, string State, DateTimeOffset Started, DateTimeOffset? Finished, int Checked, AuditReport? Report, string? Error)
{
    public bool IsRunning => Finished is null;
}

/// <summary>
/// Long work on behalf of administrators: it goes on when the request is over, one of a kind at a time, and ends when the program is told to stop. What
/// became of it is remembered while the process lives; it changes nothing that would be half done.
/// </summary>
public sealed class AdminJobs(IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<AdminJobs> logger)
{
    private const int MaxRemembered = 50;

    private readonly ConcurrentDictionary<string, AdminJob> _jobs = new(StringComparer.Ordinal);
    private readonly Lock _starting = new();
    private int _count;

    public AdminJob? Find(string id) => _jobs.GetValueOrDefault(id);

    /// <summary>Newest first.</summary>
    public IReadOnlyList<AdminJob> All() => [.. _jobs.Values.OrderByDescending(j => j.Started).ThenByDescending(j => j.Id, StringComparer.Ordinal)];

    /// <param name="work">Reports how much it has checked.</param>
    /// <returns>The job, and whether it is new: one of the kind that is running is not started twice.</returns>
    public (AdminJob Job, bool IsNew) Start(string kind, Func<Action<int>, CancellationToken, Task<AuditReport>> work)
    {
        AdminJob job;
        lock (_starting)
        {
            if (_jobs.Values.FirstOrDefault(j => j.Kind == kind && j.IsRunning) is { } running)
                return (running, false);
            Forget();
            job = new AdminJob($"{kind}-{(++_count).ToString("d4", CultureInfo.InvariantCulture)}", kind, "running", clock.GetUtcNow(), null, 0, null, null);
            _jobs[job.Id] = job;
        }
        _ = Task.Run(() => RunAsync(job, work));
        return (job, true);
    }

    private async Task RunAsync(AdminJob job, Func<Action<int>, CancellationToken, Task<AuditReport>> work)
    {
        var stopping = lifetime.ApplicationStopping;
        try
        {
            var report = await work(count => _jobs[job.Id] = job with { Checked = count }, stopping);
            _jobs[job.Id] = job with { State = "done", Checked = report.Checked, Report = report, Finished = clock.GetUtcNow() };
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            _jobs[job.Id] = job with { State = "cancelled", Finished = clock.GetUtcNow() };
        }
        catch (Exception e)
        {
            logger.LogError(e, "{Job} failed", job.Id);
            _jobs[job.Id] = job with { State = "failed", Error = e.Message, Finished = clock.GetUtcNow() };
        }
    }

    private void Forget()
    {
        foreach (var old in All().Where(j => !j.IsRunning).Skip(MaxRemembered - 1))
            _jobs.TryRemove(old.Id, out _);
    }
}
