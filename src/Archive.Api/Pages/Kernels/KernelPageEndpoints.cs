using System.Text.Json;
using Archive.Api.Content;
using Archive.Api.Kernels;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Api.Pages.Kernels;

/// <summary>The page of one kernel.</summary>
public static class KernelPageEndpoints
{
    private const int MaxProvenance = 4 << 20;

    public static void MapKernelPages(this WebApplication app)
    {
        app.Pages().MapGet("/kernels", () => Results.Redirect("/coverage"));
        app.Pages().MapGet("/kernels/{distro}/{version}/{arch}/{uname}", GetAsync).RequireRateLimiting(PagePolicy.Work);
    }

    private static async Task<IResult> GetAsync(
        HttpContext context, string distro, string version, string arch, string uname, KernelIndex index, KernelRoster rosters, KernelDifferences differences, IBlobStore blobs, DerivedForms derived)
    {
        if (KernelNames.Key(distro, version, arch, uname) is not { } key)
            return NoKernel(distro, version, arch, uname);
        if (key.ToString() != $"{distro}/{version}/{arch}/{uname}")
            return Results.Redirect(Links.Kernel(key));
        var builds = await index.BuildsAsync(key, context.RequestAborted);
        if (builds.Count == 0)
            return NoKernel(distro, version, arch, uname);
        var record = builds.FirstOrDefault(KernelIndex.IsServed) ?? builds[0];
        var hasAllDigests = context.Request.Query["digests"] == "all";
        if (!KernelIndex.IsServed(record) || record.Publication is not { } publication)
            return Page.Of<KernelPage>(new KernelModel(key, builds, record, null, [], false, null, null, ""));
        var provenance = await ProvenanceOf(publication, blobs, context.RequestAborted);
        var forms = await FormsOf(key, publication, provenance, hasAllDigests ? derived : null, context.RequestAborted);
        var (older, newer) = await NeighboursOf(key, publication, index, rosters, differences, context.RequestAborted);
        return Page.Of<KernelPage>(new KernelModel(key, builds, record, provenance, forms, hasAllDigests, older, newer, $"{context.Request.Scheme}://{context.Request.Host}"));
    }

    internal static IResult NoKernel(string distro, string version, string arch, string uname) =>
        Page.Problem(StatusCodes.Status404NotFound, "No such kernel here", $"No crawled index has listed {distro} {version} {arch} {uname}.");

    private static async Task<ProvenanceDocument?> ProvenanceOf(Publication publication, IBlobStore blobs, CancellationToken cancellation)
    {
        await using var stored = await blobs.OpenReadAsync(BlobPaths.Provenance(publication.Tarball.Sha256), cancellation);
        if (stored is null || publication.Provenance.Size > MaxProvenance)
            return null;
        using var bytes = new MemoryStream();
        await stored.CopyToAsync(bytes, cancellation);
        try
        {
            return ProvenanceJson.Read(bytes.ToArray());
        }
        catch (JsonException)
        {
            return null; // Of a later schema, or another's: the kernel is served all the same.
        }
    }

    /// <param name="derived">Makes the forms that are not stored, to know their digests; null to leave that.</param>
    private static async Task<List<DownloadForm>> FormsOf(KernelKey key, Publication publication, ProvenanceDocument? provenance, DerivedForms? derived, CancellationToken cancellation)
    {
        var api = $"/v1/kernels/{key}";
        var forms = new List<DownloadForm>
        {
            new("Raw BTF", $"/{key}.btf", "for libbpf, bpftool and every loader", publication.Raw.Size, publication.Raw.Sha256),
            new(".btf.tar.xz", $"/{key}.btf.tar.xz", "as btfhub-archive has it", publication.Tarball.Size, publication.Tarball.Sha256),
        };
        foreach (var (name, form, purpose) in ((string, BtfForm, string)[])[(".btf.zst", BtfForm.Zstd, "compressed by zstd"), (".btf.gz", BtfForm.Gzip, "compressed by gzip"), (".btf.elf", BtfForm.Elf, "an ELF file with a .BTF section")])
        {
            var made = derived is null ? null : await SizeOf(derived, publication, form, key.Arch, cancellation);
            forms.Add(new(name, $"/{key}{form.Extension()}", purpose, made?.Size, made?.Sha256));
        }
        forms.Add(new("vmlinux.h", $"{api}/vmlinux.h", "C header of every type", null, null));
        if (publication.Modules is { } modules)
            forms.Add(new("Modules", $"/{BlobPaths.Modules(modules.Sha256)}", $"split BTF of {provenance?.Modules?.Published.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "the"} modules, .tar.xz", modules.Size, modules.Sha256));
        if (provenance?.Inventory is { } inventory)
            forms.Add(new("Inventory", $"{api}/inventory", "functions, symbols and tracepoints, .xz", inventory.Size, inventory.Sha256));
        forms.Add(new("Provenance", $"/{key}.btf.json", "where it comes from, as JSON", publication.Provenance.Size, publication.Provenance.Sha256));
        return forms;
    }

    private static async Task<StoredForm> SizeOf(DerivedForms derived, Publication publication, BtfForm form, string arch, CancellationToken cancellation)
    {
        var (content, made) = await derived.OpenAsync(publication, form, arch, cancellation);
        await content.DisposeAsync();
        return made;
    }

    private static async Task<(Neighbour? Older, Neighbour? Newer)> NeighboursOf(
        KernelKey key, Publication publication, KernelIndex index, KernelRoster rosters, KernelDifferences differences, CancellationToken cancellation)
    {
        var branch = (await rosters.GetAsync(cancellation)).Find(Place.Of(key))?.Branch(KernelFlavour.Of(key.Uname)) ?? [];
        var at = Enumerable.Range(0, branch.Count).FirstOrDefault(i => branch[i].Key == key, -1);
        return at < 0 ? (null, null) : (await Of(at + 1, isOlder: true), await Of(at - 1, isOlder: false));

        async Task<Neighbour?> Of(int place, bool isOlder)
        {
            if (place < 0 || place >= branch.Count)
                return null;
            var build = branch[place];
            var other = (await index.BuildsAsync(build.Key, cancellation)).FirstOrDefault(KernelIndex.IsServed)?.Publication;
            if (other is null)
                return null;
            var difference = isOlder ? differences.Find(other, publication, out var isWaiting) : differences.Find(publication, other, out isWaiting);
            return new Neighbour(build.Key, build.PublishedAt, difference, isWaiting);
        }
    }
}
