using System.Text;
using Btf;
using Btf.Format;
using Btf.Format.Validation;

namespace Archive.Extractor;

/// <summary>What must hold of a kernel's BTF before anybody else sees it.</summary>
public static class PublicationChecks
{
    /// <summary>The smallest kernels that we know have 1 MB of BTF; broken conversions used to give a few kilobytes.</summary>
    public const int MinBytes = 256 << 10;

    // Bytes, from the smallest 32-bit to the largest debug configurations, with room to grow.
    private static readonly (string Name, uint Min, uint Max)[] Structs = [("task_struct", 1024, 64 << 10), ("sk_buff", 96, 1024)];

    /// <param name="uname">What the package says that <c>uname -r</c> prints; null where nothing says so.</param>
    /// <exception cref="ValidationException">A check failed; the message names it and the value.</exception>
    public static void Check(ConvertedKernel kernel, string? uname)
    {
        if (kernel.Bytes.Length < MinBytes)
            throw new ValidationException($"size: {kernel.Bytes.Length} bytes of BTF, a kernel has at least {MinBytes}");
        CheckBtf(kernel.Btf, kernel.Facts.TakenFrom);
        if (uname is not null && kernel.Facts.Release != uname)
            throw new ValidationException($"uname: the image says '{kernel.Facts.Release}', its package '{uname}'");
    }

    private static void CheckBtf(BtfBlob btf, BtfSource takenFrom)
    {
        try
        {
            // What we made is deduplicated, or the converter is broken. What a kernel ships is published as it is: the build of
            // 7.2 adds prototypes for kfuncs with implicit arguments after deduplication (tools/bpf/resolve_btfids).
            SideBySide.Run(Environment.ProcessorCount, () => BtfValidator.Validate(btf), () =>
            {
                if (takenFrom == BtfSource.Dwarf)
                    BtfValidator.VerifyDeduplicated(btf);
                foreach (var (name, min, max) in Structs)
                    CheckStruct(btf, name, min, max);
            });
        }
        catch (BtfFormatException problem)
        {
            throw new ValidationException($"format: {problem.Message}");
        }
    }

    // A kernel may have several structs of one name, in different files.
    private static void CheckStruct(BtfBlob btf, string name, uint min, uint max)
    {
        var text = Encoding.UTF8.GetBytes(name);
        var sizes = new List<uint>();
        foreach (var type in btf.Types)
        {
            if (type.Kind == BtfKind.Struct && type.NameBytes.SequenceEqual(text))
                sizes.Add(type.SizeOrType);
        }
        if (!sizes.Exists(size => size >= min && size <= max))
        {
            throw new ValidationException(sizes.Count == 0
                ? $"struct {name}: is missing"
                : $"struct {name}: has {string.Join(" and ", sizes)} bytes, expected are {min} to {max}");
        }
    }
}
