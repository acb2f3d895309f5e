using System.Data.Common;
using System.Runtime.CompilerServices;
using Archive.Store.Kernels;
using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>The catalogue over any database that has a <see cref="SqlDialect"/>.</summary>
/// <remarks>
/// Every change to a kernel takes the next value of one counter row first, in its own transaction. The row's lock lets one change
/// through at a time, so changes become visible in the order of their sequence: who has read up to n never misses one below n.
/// </remarks>
public abstract partial class SqlCatalogue(SqlDialect dialect, TimeProvider clock) : ICatalogue
{
    private readonly KeptQuery _byUname = new(dialect, KernelSql.FindByUname), _byBuildId = new(dialect, KernelSql.FindByBuildId);

    private protected SqlDialect Dialect { get; } = dialect;

    public async Task<KernelRecord> SeenAsync(KernelBuild build, CancellationToken cancellation)
    {
        // Nearly every build of a crawl is known already: no reason to queue with the writers.
        if (await FindAsync(build.Key, build.PackageName, build.PackageVersion, cancellation) is { } known)
            return known;
        await ChangeAsync(build, (_, _) => Task.FromResult(false), cancellation);
        return (await FindAsync(build.Key, build.PackageName, build.PackageVersion, cancellation))!;
    }

    public async Task<KernelRecord?> FindAsync(
        KernelKey key, string packageName, string packageVersion, CancellationToken cancellation)
    {
        var identity = new { key.Distro, key.Version, key.Arch, key.Uname, PackageName = SqlText.Storable(packageName), PackageVersion = SqlText.Storable(packageVersion) };
        return (await QueryAsync(KernelSql.Find, identity, cancellation)).SingleOrDefault();
    }

    public Task RecordOutcomeAsync(
        KernelBuild build, Outcome outcome, string reason, DateTimeOffset? retryAt, CancellationToken cancellation)
    {
        if (outcome is Outcome.Pending or Outcome.Published)
            throw new ArgumentException($"{outcome} is no failure", nameof(outcome));
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return ChangeAsync(build, (row, change) => SetOutcomeAsync(row, change, outcome, reason, retryAt), cancellation);
    }

    public Task RetryAsync(KernelBuild build, DateTimeOffset from, CancellationToken cancellation) => ChangeAsync(build, async (row, change) =>
    {
        if (row.Reason is null || row.PublishedAt is not null)
            return false;
        await change.ExecuteAsync(KernelSql.SetOutcome, new { row.Outcome, row.Reason, RetryAt = from.ToUnixTimeMilliseconds(), Attempt = 0 });
        return true;
    }, cancellation);

    public Task RecordPublicationAsync(KernelBuild build, Publication publication, CancellationToken cancellation) =>
        ChangeAsync(build, (row, change) => SetPublicationAsync(row, change, publication), cancellation);

    public Task<IReadOnlyList<KernelRecord>> ListAsync(KernelFilter filter, CancellationToken cancellation)
    {
        var (sql, parameters) = KernelQuery.Page(filter);
        return QueryAsync(sql, parameters, cancellation);
    }

    public async IAsyncEnumerable<KernelRecord> PublishedAsync(KernelFilter filter, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (KernelRecord? last = null; ;)
        {
            var query = new KernelQuery(filter);
            var records = await QueryAsync(query.PublishedInOrderOfTree(last), query.Parameters, cancellation);
            foreach (var record in records)
                yield return record;
            if (records.Count < KernelQuery.TreePage)
                break;
            last = records[^1];
        }
    }

    public async Task<IReadOnlyList<KernelRecord>> FindByDigestAsync(string sha256, CancellationToken cancellation) =>
        NewestFirst(await QueryAsync(KernelSql.FindByDigest, new { sha256 = SqlText.Storable(sha256) }, cancellation));

    public Task<IReadOnlyList<KernelRecord>> FindByBuildIdAsync(string buildId, CancellationToken cancellation) =>
        FindAsync(_byBuildId, buildId, cancellation);

    public ValueTask<long?> VersionAsync(CancellationToken cancellation) => Dialect.VersionAsync(cancellation);

    public Task<IReadOnlyList<KernelRecord>> FindByUnameAsync(string uname, CancellationToken cancellation) =>
        FindAsync(_byUname, uname, cancellation);

    public async Task<IReadOnlyList<KernelRecord>> NeighboursAsync(string beginning, string uname, KernelFilter filter, CancellationToken cancellation)
    {
        var (before, behind) = (NeighbourQuery.Before(beginning, uname, filter), NeighbourQuery.Behind(beginning, uname, filter));
        return [.. await QueryAsync(before.Sql, before.Parameters, cancellation), .. await QueryAsync(behind.Sql, behind.Parameters, cancellation)];
    }

    private async Task<IReadOnlyList<KernelRecord>> FindAsync(KeptQuery query, string value, CancellationToken cancellation) =>
        NewestFirst(await InsistAsync(() => query.FindAsync(SqlText.Storable(value), cancellation), cancellation));

    /// <summary>
    /// A withdrawal is a decision, and a publication a fact: a failed attempt changes neither, and a conflict is noted beside what was
    /// published.
    /// </summary>
    private static async Task<bool> SetOutcomeAsync(
        KernelRow row, Change change, Outcome outcome, string reason, DateTimeOffset? retryAt)
    {
        var isFailure = outcome is not (Outcome.Withdrawn or Outcome.Conflict);
        if (outcome != Outcome.Withdrawn && row.Outcome == Outcome.Withdrawn.Text() || isFailure && row.PublishedAt is not null)
            return false;
        if (isFailure)
            await change.ExecuteAsync(KernelSql.SetPackage);
        await change.ExecuteAsync(KernelSql.SetOutcome, new
        {
            Outcome = outcome.Text(),
            Reason = SqlText.Storable(reason),
            RetryAt = retryAt?.ToUnixTimeMilliseconds(),
            Attempt = outcome == Outcome.Withdrawn ? 0 : 1,
        });
        if (outcome == Outcome.Withdrawn && row.Outcome != Outcome.Withdrawn.Text() && row.PublishedAt is not null)
            await change.AppendAsync(build => ChainEvent.Published(build, row.ToRecord().Publication!) with { Reason = SqlText.Storable(reason) });
        return true;
    }

    /// <summary>The same publication again, as after a kill between the two, is no change.</summary>
    private static async Task<bool> SetPublicationAsync(KernelRow row, Change change, Publication publication)
    {
        var isAgain = row.Outcome == Outcome.Published.Text() && row.RawSha256 == publication.Raw.Sha256
            && row.TarballSha256 == publication.Tarball.Sha256 && row.ProvenanceSha256 == publication.Provenance.Sha256;
        if (isAgain)
            return false;
        await change.ExecuteAsync(KernelSql.SetPackage);
        await change.ExecuteAsync(KernelSql.SetPublication, new
        {
            publication.BuildId,
            publication.TakenFrom,
            ShipsBtf = publication.ShipsBtf ? 1 : 0,
            PublishedAt = publication.PublishedAt.ToUnixTimeMilliseconds(),
            RawSha256 = publication.Raw.Sha256,
            RawSize = publication.Raw.Size,
            TarballSha256 = publication.Tarball.Sha256,
            TarballSize = publication.Tarball.Size,
            ProvenanceSha256 = publication.Provenance.Sha256,
            ProvenanceSize = publication.Provenance.Size,
            ModulesSha256 = publication.Modules?.Sha256,
            ModulesSize = publication.Modules?.Size,
        });
        await change.ExecuteAsync(KernelSql.SetOutcome, new
        {
            Outcome = Outcome.Published.Text(),
            Reason = (string?)null,
            RetryAt = (long?)null,
            Attempt = 1,
        });
        await change.AppendAsync(build => ChainEvent.Published(build, publication));
        return true;
    }

    /// <summary>Runs the change on the build's row, adding the row first where it is missing; a change that changes nothing takes no sequence number.</summary>
    private Task ChangeAsync(KernelBuild build, Func<KernelRow, Change, Task<bool>> change, CancellationToken cancellation) =>
        TransactAsync(async connection =>
        {
            var sequence = await connection.ExecuteScalarAsync<long>(KernelSql.NextSequence);
            var current = new Change(connection, build, sequence, clock.GetUtcNow().ToUnixTimeMilliseconds());
            var row = await current.FindAsync();
            if (row is null)
                await current.ExecuteAsync(KernelSql.Insert);
            return await change(row ?? new KernelRow(), current) || row is null;
        }, cancellation);

    private Task<IReadOnlyList<KernelRecord>> QueryAsync(string sql, object parameters, CancellationToken cancellation) => UseAsync(async connection =>
    {
        await using var reader = await connection.ExecuteReaderAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellation));
        return await ProviderQuery.ReadAsync(reader, cancellation);
    }, cancellation);

    private static IReadOnlyList<KernelRecord> NewestFirst(IReadOnlyList<KernelRecord> records) => records.Count < 2 ? records :
        [.. records.OrderByDescending(r => r.Build.PackageVersion, PackageVersionOrder.Of(records[0].Build.Key.Distro)).ThenBy(r => r.Sequence)];

    /// <summary>One change to one build, with its place in the order of changes.</summary>
    private sealed class Change(DbConnection connection, KernelBuild build, long sequence, long now)
    {
        public Task<KernelRow?> FindAsync() =>
            connection.QuerySingleOrDefaultAsync<KernelRow>(KernelSql.Find, Parameters(null));

        public Task ExecuteAsync(string sql, object? values = null) =>
            connection.ExecuteAsync(sql, Parameters(values));

        /// <summary>Adds an entry on this build to the chain.</summary>
        public Task AppendAsync(Func<KernelBuild, ChainEvent> describe) => SqlCatalogue.AppendAsync(connection, describe(build));

        private DynamicParameters Parameters(object? values)
        {
            var parameters = new DynamicParameters(new
            {
                Sequence = sequence,
                Now = now,
                build.Key.Distro,
                build.Key.Version,
                build.Key.Arch,
                build.Key.Uname,
                PackageName = SqlText.Storable(build.PackageName),
                PackageVersion = SqlText.Storable(build.PackageVersion),
                build.PackageSha256,
                build.PackageSize,
                PackageUrl = build.PackageUrl.AbsoluteUri,
            });
            parameters.AddDynamicParams(values);
            return parameters;
        }
    }
}
