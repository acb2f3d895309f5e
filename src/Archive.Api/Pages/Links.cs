using Archive.Api.Kernels;
using Archive.Store.Kernels;

namespace Archive.Api.Pages;

/// <summary>Addresses of pages. The parts of a kernel's key are safe path segments as they are.</summary>
public static class Links
{
    public static string Kernel(KernelKey key) => $"/kernels/{key}";

    public static string Place(Place place) => $"/coverage/{place}";

    public static string Types(KernelKey key) => $"/kernels/{key}/types";

    /// <param name="name">A bare name, or one with its kind: <c>struct page</c>.</param>
    public static string Type(KernelKey key, string name) => $"/kernels/{key}/types/{Uri.EscapeDataString(name)}";

    public static string Function(KernelKey key, string name) => $"/kernels/{key}/functions/{Uri.EscapeDataString(name)}";

    public static string Named(KernelKey key, NamedType named) => named.Kind == "func" ? Function(key, named.Name) : Type(key, named.Name);

    /// <summary>What changed from one kernel to a newer one.</summary>
    public static string Changes(KernelKey older, KernelKey newer) => $"/kernels/{older}/changes?with={Uri.EscapeDataString(newer.ToString())}";

    /// <summary>The path with these parameters; those that are null or empty are left out.</summary>
    public static string With(string path, params (string Name, string? Value)[] parameters)
    {
        var given = parameters.Where(p => !string.IsNullOrEmpty(p.Value)).Select(p => KeyValuePair.Create(p.Name, p.Value));
        return path + QueryString.Create(given).Value;
    }
}
