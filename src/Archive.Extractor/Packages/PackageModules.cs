using System.Text.RegularExpressions;
using Btf;
using Btf.Elf;

namespace Archive.Extractor.Packages;

/// <summary>A kernel module in a package.</summary>
/// <param name="Name">As the kernel names it, in <c>/sys/module</c> and <c>/sys/kernel/btf</c>: safe as a file's name.</param>
/// <param name="Entry">Its name in the package.</param>
/// <param name="Image">The module itself, a relocatable ELF image.</param>
public sealed record PackageModule(string Name, string Entry, ReadOnlyMemory<byte> Image);

/// <summary>The modules of a package, one after the other as they come: only one of them is in memory.</summary>
public static partial class PackageModules
{
    /// <summary>Reads a package, image or debug, to its end.</summary>
    /// <param name="package">Read forward from where it stands; not closed.</param>
    /// <param name="threads">Threads for decoding the package.</param>
    /// <exception cref="PackageFormatException">The package or what is in it is malformed, or beyond a limit.</exception>
    /// <exception cref="UnsupportedImageException">A kind of package that we do not read.</exception>
    /// <exception cref="MissingLibraryException">The library that decodes it is not installed.</exception>
    public static IEnumerable<PackageModule> Read(Stream package, ExtractionLimits limits, int threads, CancellationToken cancellation = default)
    {
        using var input = new ReadAheadStream(package, cancellation);
        using var opened = KernelPackages.Open(input, limits, threads);
        foreach (var module in Read(opened.Files, limits, cancellation))
            yield return module;
    }

    /// <summary>Reads the modules from where the reader of a package stands, which can be behind its kernel.</summary>
    /// <inheritdoc cref="Read(Stream, ExtractionLimits, int, CancellationToken)"/>
    public static IEnumerable<PackageModule> Read(IPackedFiles files, ExtractionLimits limits, CancellationToken cancellation = default)
    {
        while (files.Next() is { } file)
        {
            cancellation.ThrowIfCancellationRequested();
            if (NameOf(file.Name) is { } name)
                yield return new PackageModule(name, file.Name, Unpack(file, limits, cancellation));
        }
    }

    /// <summary>A file that is a module, or why it cannot be read; what is wrong with the package itself shows at its next file.</summary>
    internal static PassedModule TryRead(PackedFile file, ExtractionLimits limits, CancellationToken cancellation)
    {
        var name = NameOf(file.Name)!;
        try
        {
            return new PassedModule(name, new PackageModule(name, file.Name, Unpack(file, limits, cancellation)), null);
        }
        catch (MalformedInputException problem)
        {
            return new PassedModule(name, null, problem);
        }
    }

    /// <summary>The module's name in the path of its file; null where the path is not one. Dashes become underscores (KBUILD_MODNAME).</summary>
    public static string? NameOf(string entry) =>
        Pattern().Match(entry) is { Success: true } match ? match.Groups["name"].Value.Replace('-', '_') : null;

    private static ReadOnlyMemory<byte> Unpack(PackedFile file, ExtractionLimits limits, CancellationToken cancellation)
    {
        if (file.Size > limits.MaxModuleBytes)
            throw new PackageFormatException(file.Name, 0, (ulong)file.Size, $"is larger than {limits.MaxModuleBytes} bytes");
        var decoder = Codecs.OpenDecoder(file.Content, file.Name, new DecoderOptions(1, limits.MaxDecoderBytes));
        using var guarded = new ExpansionGuard(decoder, limits with { MaxExpandedBytes = limits.MaxModuleBytes });
        return WholeStream.Read(guarded, file.Size * (decoder is StreamDecoder ? 1 : 4), cancellation);
    }

    [GeneratedRegex(
        @"^(\.?/)?(usr/lib/debug/)?(usr/)?lib/modules/[\w.+~-]+/([^\n]+/)?(?<name>[A-Za-z0-9_][A-Za-z0-9_.+-]*?)\.ko(\.debug)?(\.(xz|zst|gz))?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}

/// <summary>The BTF that a module was built with.</summary>
/// <param name="Bytes">Its <c>.BTF</c> section: split BTF, on <paramref name="Base"/> or else on the kernel's own BTF.</param>
/// <param name="Base">Its <c>.BTF.base</c> section, the distilled base of out-of-tree modules; null where it has none.</param>
public sealed record ModuleBtf(string Name, byte[] Bytes, byte[]? Base)
{
    /// <summary>Null where the module has no BTF.</summary>
    /// <exception cref="PackageFormatException">The module is no ELF image that we can read.</exception>
    public static ModuleBtf? Of(PackageModule module)
    {
        try
        {
            using var image = ElfImage.FromBytes(module.Image);
            return Section(image, ".BTF") is { } bytes ? new ModuleBtf(module.Name, bytes, Section(image, ".BTF.base")) : null;
        }
        catch (MalformedInputException problem)
        {
            throw new PackageFormatException(module.Entry, problem.Offset, problem.Value, problem.Message, problem);
        }
    }

    private static byte[]? Section(ElfImage image, string name) =>
        image.Find(name) is { HasBytes: true, Size: > 0 } section ? image.Read(section) : null;
}
