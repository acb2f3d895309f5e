using Archive.Extractor.Packages;
using Btf;
using Btf.Format;
using Btf.Format.Validation;

namespace Archive.Extractor;

/// <summary>
/// What must hold of a module's BTF before anybody else sees it. Split BTF is ids and offsets that go on where those of
/// its base end, so that on another base than its own it reads as nonsense, or not at all.
/// </summary>
/// <param name="kernel">The kernel that the modules were built for.</param>
public sealed class ModuleChecks(ConvertedKernel kernel)
{
    /// <exception cref="ValidationException">A check failed; the message names the module.</exception>
    public void Check(ModuleBtf module)
    {
        try
        {
            var ground = module.Base is null ? kernel.Btf : BtfBlob.Parse(module.Base);
            BtfValidator.Validate(BtfBlob.Parse(module.Bytes, ground));
        }
        catch (BtfFormatException problem)
        {
            throw new ValidationException($"module {module.Name}: {problem.Message}");
        }
    }
}
