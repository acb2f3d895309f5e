using Btf;
using Btf.CoRe;

namespace Archive.EndToEnd.Tests.CoRe;

internal static class RealObjects
{
    /// <summary>Whether CO-RE has anything to do; false for what is no object with <c>.BTF.ext</c> at all.</summary>
    public static bool HasRelocations(string path)
    {
        try
        {
            return BpfObject.Open(path).Relocations.Any();
        }
        catch (MalformedInputException)
        {
            return false;
        }
    }
}
