using Btf.Format;

namespace Btf.CoRe;

/// <summary>What an object is to run on: the BTF of a kernel, and of its modules where they are at hand. Safe for concurrent use.</summary>
/// <param name="Kernel">Whole, or minimal.</param>
/// <param name="Modules">Split BTF on the kernel's.</param>
public sealed record CoreTarget(BtfBlob Kernel, IReadOnlyList<BtfBlob> Modules)
{
    public CoreTarget(BtfBlob kernel) : this(kernel, [])
    {
    }

    /// <summary>Types that a local type may stand for: of its name, flavours aside, and of its kind.</summary>
    /// <param name="localRoot">The local type.</param>
    /// <param name="everywhere">Those of modules count beside the kernel's; else only if the kernel has none.</param>
    internal List<CoreCandidate> FindCandidates(in BtfType localRoot, bool everywhere = false)
    {
        var found = new List<CoreCandidate>();
        var name = EssentialName.Of(localRoot.NameBytes);
        Add(found, Kernel, name, localRoot);
        if (found.Count > 0 && !everywhere)
            return found;
        foreach (var module in Modules)
            Add(found, module, name, localRoot);
        return found;
    }

    private static void Add(List<CoreCandidate> found, BtfBlob blob, ReadOnlySpan<byte> name, in BtfType localRoot)
    {
        foreach (var id in blob.NameIndex.Find(name))
        {
            if (TypeSteps.AreOfCompatibleKinds(blob[id], localRoot))
                found.Add(new(blob, id));
        }
    }
}

/// <summary>A type of the target by name and kind.</summary>
internal sealed record CoreCandidate(BtfBlob Btf, uint TypeId);
