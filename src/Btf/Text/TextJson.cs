using System.Text.Json.Serialization;
using Btf.Text.Changes;
using Btf.Text.Layout;

namespace Btf.Text;

/// <summary>Fields of several kernels.</summary>
public sealed record OffsetsDocument(IReadOnlyList<KernelOffsets> Kernels);

/// <param name="Kernel">Whatever names it to the one who asked: a file, or distro/version/arch/uname.</param>
/// <param name="Error">Why its BTF could not be read; null if it could.</param>
public sealed record KernelOffsets(string Kernel, IReadOnlyList<FieldOffset> Offsets, string? Error = null);

/// <summary>What a name stands for in a kernel.</summary>
public sealed record TypesDocument(string Name, IReadOnlyList<TypeDescription> Types);

/// <summary>The JSON of what this folder says about types: snake_case, nulls left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(OffsetsDocument))]
[JsonSerializable(typeof(KernelOffsets))]
[JsonSerializable(typeof(TypesDocument))]
[JsonSerializable(typeof(KernelChanges))]
public sealed partial class TextJson : JsonSerializerContext;
