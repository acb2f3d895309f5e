using System.Reflection;
using System.Security.Cryptography;
using Archive.Crawler.Sources;
using Archive.Extractor;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Crawler.Runs;

/// <summary>
/// Puts a converted kernel into the archive: the tarball under its digest, its provenance, the tree's path, and the catalogue's
/// row last. Whenever the process is killed, what the catalogue names is there and whole; doing it again changes nothing.
/// </summary>
public sealed class KernelPublisher(IBlobStore blobs, ICatalogue catalogue, TimeProvider clock)
{
    private static readonly string ConverterVersion =
        typeof(VmlinuxConverter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <exception cref="ConflictException">The build is published with another content.</exception>
    /// <exception cref="BlobStoreException">The store cannot take it.</exception>
    public async Task PublishAsync(FoundKernel found, FetchedKernel fetched, CancellationToken cancellation)
    {
        var kernel = fetched.Kernel;
        var build = fetched.Build;
        var tarball = BtfTarball.Pack(build.Key.Uname, kernel.Bytes, Environment.ProcessorCount);
        var forms = new ProvenanceForms(FormOf(kernel.Bytes), FormOf(tarball));
        var existing = await catalogue.FindAsync(build.Key, build.PackageName, build.PackageVersion, cancellation);
        if (existing?.Publication is { } published && published.Raw.Sha256 != forms.Raw.Sha256)
            throw new ConflictException($"published as {published.Raw.Sha256}, now converted to {forms.Raw.Sha256}");
        var modules = fetched.Modules is { Modules.Count: > 0 } some ? BtfTarball.PackModules(some.Modules, Environment.ProcessorCount) : null;
        var inventory = kernel.Inventory?.WriteCompressed(Environment.ProcessorCount);
        var document = Describe(build, found.Index, fetched, forms) with
        {
            Inventory = inventory is null ? null : FormOf(inventory),
            Modules = modules is null ? null : Describe(fetched.Modules!, FormOf(modules)),
            ImportedFrom = fetched.ImportedFrom,
            NoModules = fetched.Modules is { } taken ? taken.Absence : "not asked",
        };
        var provenance = ProvenanceJson.Write(document);
        await PutAsync(BlobPaths.Tarball(forms.Tarball.Sha256), tarball, PutMode.CreateOnly, cancellation);
        if (inventory is not null)
            await PutAsync(BlobPaths.Inventory(forms.Tarball.Sha256), inventory, PutMode.Replace, cancellation);
        if (modules is not null)
            await PutAsync(BlobPaths.Modules(document.Modules!.Form.Sha256), modules, PutMode.CreateOnly, cancellation);
        await PutAsync(BlobPaths.Provenance(forms.Tarball.Sha256), provenance, PutMode.Replace, cancellation);
        if (await IsNewestAsync(build, cancellation))
            await ServeInTreeAsync(build.Key, document, cancellation);
        await catalogue.RecordPublicationAsync(build, document.ToPublication(FormOf(provenance), clock.GetUtcNow()), cancellation);
    }

    /// <summary>
    /// Gives the tree's path to the newest build once more. Two workers that publish builds of one uname at once may each believe to have the
    /// newest, as long as neither is in the catalogue; whoever is there last sees both. One that was killed on the way is run again, and does.
    /// </summary>
    public async Task ServeNewestAsync(KernelKey key, CancellationToken cancellation)
    {
        var builds = await PublishedAsync(key, cancellation);
        if (builds.Count < 2)
            return;
        var newest = builds.OrderByDescending(b => b.Build.PackageVersion, PackageVersionOrder.Of(key.Distro)).First();
        await using var content = await blobs.OpenReadAsync(BlobPaths.Provenance(newest.Publication!.Tarball.Sha256), cancellation)
            ?? throw new BlobStoreException($"{key}: the provenance of {newest.Build.PackageVersion} is absent");
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, cancellation);
        await ServeInTreeAsync(key, ProvenanceJson.Read(bytes.ToArray()), cancellation);
    }

    private async Task ServeInTreeAsync(KernelKey key, ProvenanceDocument document, CancellationToken cancellation)
    {
        var digest = document.Forms.Tarball.Sha256;
        await blobs.CopyAsync(BlobPaths.Tarball(digest), BlobPaths.Tree(key), cancellation);
        await CopyOrDeleteAsync(BlobPaths.Inventory(digest), BlobPaths.TreeInventory(key), cancellation);
        await CopyOrDeleteAsync(document.Modules is { } modules ? BlobPaths.Modules(modules.Form.Sha256) : null, BlobPaths.TreeModules(key), cancellation);
        await blobs.CopyAsync(BlobPaths.Provenance(digest), BlobPaths.TreeProvenance(key), cancellation);
    }

    /// <summary>What an older build of the uname had, and this one has not, must not stay beside it.</summary>
    private async Task CopyOrDeleteAsync(string? source, string target, CancellationToken cancellation)
    {
        if (source is not null && await blobs.StatAsync(source, cancellation) is not null)
            await blobs.CopyAsync(source, target, cancellation);
        else
            await blobs.DeleteAsync(target, cancellation);
    }

    private static ProvenanceModules Describe(FetchedModules modules, StoredForm form) =>
        new(form, modules.Seen, modules.Modules.Count, [.. modules.Packages.Select(ProvenancePackage.Of)], modules.Refused);

    private static Dictionary<string, string> OptionsOf(ConvertedKernel kernel) =>
        kernel.Facts.TakenFrom == BtfSource.Btf ? [] : new() { ["features"] = nameof(BtfFeatures.Kernel).ToLowerInvariant() };

    private static StoredForm FormOf(byte[] bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.Length);

    private async Task PutAsync(string key, byte[] bytes, PutMode mode, CancellationToken cancellation)
    {
        using var stream = new MemoryStream(bytes, writable: false);
        await blobs.PutAsync(key, stream, mode, cancellation);
    }

    /// <summary>The tree's path serves the newest build of a uname.</summary>
    private async Task<bool> IsNewestAsync(KernelBuild build, CancellationToken cancellation)
    {
        var others = await PublishedAsync(build.Key, cancellation);
        return others.All(o => PackageVersionOrder.Of(build.Key.Distro).Compare(o.Build.PackageVersion, build.PackageVersion) <= 0);
    }

    private Task<IReadOnlyList<KernelRecord>> PublishedAsync(KernelKey key, CancellationToken cancellation) => catalogue.ListAsync(
        new KernelFilter { Distro = key.Distro, Version = key.Version, Arch = key.Arch, Uname = key.Uname, Outcome = Outcome.Published }, cancellation);

    private static ProvenanceDocument Describe(KernelBuild build, ProvenanceIndex? index, FetchedKernel fetched, ProvenanceForms forms) => Describe(build, index, fetched.Kernel, forms, fetched.ImportedFrom is not null) with
    {
        PassedOver = fetched.PassedOver.Count > 0 ? fetched.PassedOver : null,
    };

    private static ProvenanceDocument Describe(KernelBuild build, ProvenanceIndex? index, ConvertedKernel kernel, ProvenanceForms forms, bool imported) => new()
    {
        Kernel = ProvenanceKernel.Of(build.Key),
        Package = ProvenancePackage.Of(build),
        Index = index,
        Image = new ProvenanceImage
        {
            BuildId = kernel.Facts.BuildId,
            Banner = kernel.Facts.Banner,
            Producer = kernel.Facts.Producer,
            DwarfVersion = kernel.Facts.DwarfVersion,
            ShipsBtf = kernel.Facts.ShipsBtf,
        },
        Conversion = imported ? new ProvenanceConversion("imported", "unknown", "unknown", new Dictionary<string, string>()) : new ProvenanceConversion(
            kernel.Facts.TakenFrom == BtfSource.Btf ? "btf" : "dwarf", "btf-archive", ConverterVersion, OptionsOf(kernel)),
        TypeCounts = kernel.TypeCounts.ToDictionary(c => c.Key.ToString(), c => c.Value),
        Forms = forms,
    };
}
