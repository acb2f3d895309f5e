using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Archive.Api.Objects;
using Archive.Store.Kernels;
using Btf.Text.Layout;

namespace Archive.Api.Kernels;

/// <summary>A type as it is in a kernel, as far as kernels are told apart by it.</summary>
/// <param name="Digest">Of its text; empty where the kernel has no such type.</param>
/// <param name="Size">Bytes; null of what has none.</param>
/// <param name="Parts">Members with their declarations, enumerators, or the one declaration.</param>
public sealed record TypeShape(string Digest, long? Size, IReadOnlyList<string> Parts)
{
    public static TypeShape None { get; } = new("", null, []);

    public static TypeShape Of(IReadOnlyList<TypeDescription> types)
    {
        if (types.Count == 0)
            return None;
        using var text = new StringWriter();
        foreach (var type in types)
            type.Write(text);
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
        return new TypeShape(digest, types[0].Size, [.. types.SelectMany(PartsOf)]);
    }

    private static IEnumerable<string> PartsOf(TypeDescription type) =>
        type.Layout is { } layout ? layout.Members.Select(member => member.Declaration)
        : type.Enumerators is { } values ? values.Select(value => $"{value.Name} = {value.Value}")
        : [type.Declaration];
}

/// <summary>
/// What a type was in many kernels. A kernel is asked once for a name, some 5 ms, and the answer kept; equal shapes of one name are one object.
/// </summary>
public sealed class TypeHistories(WarmKernels kernels)
{
    private const int MaxKept = 50_000, MaxNames = 2_000;
    private readonly ConcurrentDictionary<(string Kernel, string Name), TypeShape> _known = new();
    private readonly ConcurrentDictionary<(string Name, string Digest), TypeShape> _shapes = new();

    /// <summary>The shapes in these kernels, in their order, as far as the time goes: those that are known cost nothing, at least one other is asked.</summary>
    /// <returns>Null for kernels that were not asked yet.</returns>
    public async Task<IReadOnlyList<TypeShape?>> FindAsync(IReadOnlyList<Publication> publications, string name, TimeSpan time, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var shapes = new List<TypeShape?>(publications.Count);
        foreach (var publication in publications)
        {
            var isKnown = _known.TryGetValue((publication.Raw.Sha256, name), out var shape);
            if (!isKnown && (clock.Elapsed < time))
                shape = await AskAsync(publication, name, cancellation);
            shapes.Add(shape);
        }
        return shapes;
    }

    private async Task<TypeShape> AskAsync(Publication publication, string name, CancellationToken cancellation)
    {
        using var opened = await kernels.OpenAsync(publication, cancellation);
        var shape = TypeShape.Of(TypeDescription.Find(opened.Blob, name));
        if (_known.Count >= MaxKept || _shapes.Count >= MaxNames)
            Forget();
        shape = _shapes.GetOrAdd((name, shape.Digest), shape);
        _known[(publication.Raw.Sha256, name)] = shape;
        return shape;
    }

    /// <summary>Rarely, and all at once: what is asked for again comes back soon.</summary>
    private void Forget()
    {
        _known.Clear();
        _shapes.Clear();
    }
}
