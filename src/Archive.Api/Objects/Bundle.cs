using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using Archive.Extractor.Packages;
using Archive.Store.Kernels;

namespace Archive.Api.Objects;

/// <summary>
/// Streams minimal BTF as a tar that is the same for the same objects and kernels: members in the order of kernels, owned by
/// root, of time 0, with names in the header alone (ustar).
/// </summary>
internal sealed class Bundle : IAsyncDisposable
{
    private const UnixFileMode ReadOnly = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly BundleProfile? _profile;
    private readonly Stream? _gzip;
    private readonly TarWriter _tar;
    private readonly BundleIndex _index;

    /// <param name="profile">Null for the classes with their index.</param>
    public Bundle(Stream output, BundleProfile? profile, IReadOnlyList<UploadedObject> objects)
    {
        _profile = profile;
        _gzip = profile is null or { IsGzip: true } ? new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true) : null;
        _tar = new TarWriter(_gzip ?? output, TarEntryFormat.Ustar, leaveOpen: true);
        _index = new BundleIndex(objects);
    }

    public async Task AddAsync(MinimizedKernel kernel, CancellationToken cancellation)
    {
        var isNew = _index.Add(kernel);
        if (kernel.Problem is not null)
            return;
        if (_profile is null)
        {
            if (isNew)
                await WriteAsync($"blobs/{kernel.Sha256}.btf", kernel.Btf, cancellation);
            return;
        }
        var content = _profile.IsTarball ? BtfTarball.Pack(kernel.Kernel.Key.Uname, kernel.Btf, 1) : kernel.Btf;
        foreach (var member in _profile.Members(kernel.Kernel.Key))
            await WriteAsync(member, content, cancellation);
    }

    /// <summary>The end of the archive; of classes, with the index before it.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        if (_profile is null)
            await WriteAsync("index.json", _index.ToJson(), cancellation);
    }

    private Task WriteAsync(string name, byte[] content, CancellationToken cancellation) => _tar.WriteEntryAsync(
        new UstarTarEntry(TarEntryType.RegularFile, name)
        {
            Mode = ReadOnly,
            ModificationTime = DateTimeOffset.UnixEpoch,
            UserName = "root",
            GroupName = "root",
            DataStream = new MemoryStream(content, writable: false),
        },
        cancellation);

    public async ValueTask DisposeAsync()
    {
        await _tar.DisposeAsync();
        if (_gzip is not null)
            await _gzip.DisposeAsync();
    }
}

/// <summary>Which kernel needs which BTF: a few lines for each kernel, whatever its size.</summary>
internal sealed class BundleIndex(IReadOnlyList<UploadedObject> objects)
{
    private readonly Dictionary<string, int> _classes = new(StringComparer.Ordinal);
    private readonly List<(string Sha256, int Size)> _blobs = [];
    private readonly List<(KernelKey Key, string Source, int Class, string? Problem)> _kernels = [];

    /// <returns>Whether its BTF is the first of its kind.</returns>
    public bool Add(MinimizedKernel kernel)
    {
        var index = -1;
        var isNew = kernel.Problem is null && !_classes.TryGetValue(kernel.Sha256, out index);
        if (isNew)
        {
            _classes.Add(kernel.Sha256, index = _blobs.Count);
            _blobs.Add((kernel.Sha256, kernel.Btf.Length));
        }
        _kernels.Add((kernel.Kernel.Key, kernel.Kernel.Publication.Raw.Sha256, index, kernel.Problem));
        return isNew;
    }

    public byte[] ToJson()
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", 1);
            WriteObjects(json);
            WriteClasses(json);
            WriteKernels(json);
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }

    private void WriteObjects(Utf8JsonWriter json)
    {
        json.WriteStartArray("objects");
        foreach (var item in objects)
        {
            json.WriteStartObject();
            json.WriteString("name", item.Name);
            json.WriteString("sha256", item.Sha256);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WriteClasses(Utf8JsonWriter json)
    {
        json.WriteStartArray("classes");
        foreach (var (digest, size) in _blobs)
        {
            json.WriteStartObject();
            json.WriteString("path", $"blobs/{digest}.btf");
            json.WriteString("sha256", digest);
            json.WriteNumber("size", size);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WriteKernels(Utf8JsonWriter json)
    {
        json.WriteStartArray("kernels");
        foreach (var (key, source, index, problem) in _kernels)
        {
            json.WriteStartObject();
            json.WriteString("distro", key.Distro);
            json.WriteString("version", key.Version);
            json.WriteString("arch", key.Arch);
            json.WriteString("uname", key.Uname);
            json.WriteString("btf_sha256", source);
            if (problem is null)
                json.WriteNumber("class", index);
            else
                json.WriteString("problem", problem);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
