using System.Globalization;

namespace Btf;

/// <summary>
/// The one base of every error a parser raises on bytes it cannot accept. Nothing else escapes a parser:
/// a caller that handles this type has handled bad input.
/// </summary>
public abstract class MalformedInputException(string section, long offset, ulong? value, string problem, Exception? inner = null)
    : Exception(Describe(section, offset, value, problem), inner)
{
    /// <summary>The section, member or structure in which the problem stands, such as <c>.debug_info</c>.</summary>
    public string Section { get; } = section;

    /// <summary>Offset in bytes from the start of <see cref="Section"/>.</summary>
    public long Offset { get; } = offset;

    /// <summary>The offending value, where there is one.</summary>
    public ulong? Value { get; } = value;

    private static string Describe(string section, long offset, ulong? value, string problem) => value is { } v
        ? string.Create(CultureInfo.InvariantCulture, $"{section}+0x{offset:x}: {problem} (value 0x{v:x})")
        : string.Create(CultureInfo.InvariantCulture, $"{section}+0x{offset:x}: {problem}");
}

/// <summary>The bytes are not an ELF image that we can read.</summary>
public sealed class ElfFormatException(string section, long offset, ulong? value, string problem)
    : MalformedInputException(section, offset, value, problem);

/// <summary>The bytes are not well-formed BTF (<c>Documentation/bpf/btf.rst</c>).</summary>
public sealed class BtfFormatException(string section, long offset, ulong? value, string problem)
    : MalformedInputException(section, offset, value, problem);
