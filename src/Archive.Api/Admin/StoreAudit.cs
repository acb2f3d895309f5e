using System.Security.Cryptography;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Api.Admin;

/// <param name="Place">Of the kernel, or the blob's key.</param>
public sealed record AuditFinding(string Place, string Problem);

/// <param name="Checked">Publications, provenance documents, or files or kernels of what is imported.</param>
/// <param name="Findings">The first hundred problems.</param>
/// <param name="Counts">Of an import: <c>published</c> and <c>present</c> files, or kernels by <c>distro</c>.</param>
public sealed record AuditReport(int Checked, int Problems, IReadOnlyList<AuditFinding> Findings, IReadOnlyDictionary<string, int>? Counts = null);

/// <summary>Compares catalogue and store: <c>verify</c> reads every blob again, <c>reindex</c> writes rows for what the store has.</summary>
public sealed class StoreAudit(ICatalogue catalogue, IBlobStore blobs)
{
    private const int MaxFindings = 100;
    private const string ProvenanceSuffix = ".provenance.json";

    /// <param name="progress">Gets the number of publications that were begun.</param>
    public async Task<AuditReport> VerifyAsync(Action<int> progress, CancellationToken cancellation)
    {
        var report = new Report(progress);
        await foreach (var record in catalogue.PublishedAsync(new KernelFilter(), cancellation))
        {
            var publication = record.Publication!;
            report.Count();
            await CheckAsync(report, record.Build.Key, BlobPaths.Tarball(publication.Tarball.Sha256), publication.Tarball, cancellation);
            await CheckAsync(report, record.Build.Key, BlobPaths.Provenance(publication.Tarball.Sha256), publication.Provenance, cancellation);
            if (publication.Modules is { } modules)
                await CheckAsync(report, record.Build.Key, BlobPaths.Modules(modules.Sha256), modules, cancellation);
        }
        return report.ToReport();
    }

    /// <summary>What a tombstone says was withdrawn stays so.</summary>
    public async Task<AuditReport> ReindexAsync(Action<int> progress, CancellationToken cancellation)
    {
        var report = new Report(progress);
        await foreach (var key in blobs.ListAsync("by-digest/", cancellation))
        {
            if (!key.EndsWith(ProvenanceSuffix, StringComparison.Ordinal))
                continue;
            report.Count();
            await IndexAsync(report, key, cancellation);
        }
        return report.ToReport();
    }

    private async Task CheckAsync(Report report, KernelKey kernel, string key, StoredForm expected, CancellationToken cancellation)
    {
        await using var content = await blobs.OpenReadAsync(key, cancellation);
        if (content is null)
        {
            report.Add(kernel.ToString(), $"{key} is absent");
            return;
        }
        var digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation));
        if (digest != expected.Sha256)
            report.Add(kernel.ToString(), $"{key} has SHA-256 {digest}, the catalogue says {expected.Sha256}");
    }

    private async Task IndexAsync(Report report, string key, CancellationToken cancellation)
    {
        try
        {
            await using var content = await blobs.OpenReadAsync(key, cancellation) ?? throw new BlobStoreException($"{key} is gone");
            using var buffer = new MemoryStream();
            await content.CopyToAsync(buffer, cancellation);
            var document = ProvenanceJson.Read(buffer.ToArray());
            var build = document.ToBuild();
            var known = await catalogue.FindAsync(build.Key, build.PackageName, build.PackageVersion, cancellation);
            if (known?.Publication is not null || await blobs.StatAsync(BlobPaths.Tombstone(document.Forms.Tarball.Sha256), cancellation) is not null)
                return;
            var stat = await blobs.StatAsync(key, cancellation);
            var itself = new StoredForm(Convert.ToHexStringLower(SHA256.HashData(buffer.ToArray())), buffer.Length);
            await catalogue.RecordPublicationAsync(build, document.ToPublication(itself, stat!.LastModified), cancellation);
            report.Add(build.Key.ToString(), "was not in the catalogue, and is now");
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or ArgumentException or BlobStoreException)
        {
            report.Add(key, e.Message);
        }
    }

    private sealed class Report(Action<int> progress)
    {
        private readonly List<AuditFinding> _findings = [];
        private int _problems, _checked;

        public void Count() => progress(++_checked);

        public void Add(string place, string problem)
        {
            _problems++;
            if (_findings.Count < MaxFindings)
                _findings.Add(new AuditFinding(place, problem));
        }

        public AuditReport ToReport() => new(_checked, _problems, _findings);
    }
}
