using System.Runtime.InteropServices;

namespace Btf;

/// <summary>A library of the system that we call is not installed; the message names the package that has it.</summary>
public sealed class MissingLibraryException(string library, string package)
    : Exception($"{library} is missing: install {package}")
{
    /// <exception cref="MissingLibraryException">The library cannot be loaded.</exception>
    internal static nint Load(string library, string package) =>
        NativeLibrary.TryLoad(library, out var handle) ? handle : throw new MissingLibraryException(library, package);
}
