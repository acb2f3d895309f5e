using Btf;

namespace Fuzz;

/// <summary>A reader under test: one way to use all of an input, and mutations that know its format.</summary>
internal abstract class FuzzTarget
{
    /// <summary>Also the name of its folders in the corpus and among the crashers.</summary>
    public abstract string Name { get; }

    /// <summary>Reads the input in every way that the product does. Must not depend on anything else.</summary>
    /// <exception cref="BrokenPromiseException">What was read contradicts itself.</exception>
    public abstract void Execute(byte[] input);

    /// <summary>Whether the reader says of itself that it raises this on bad input.</summary>
    public virtual bool Declares(Exception problem) => problem is MalformedInputException;

    /// <summary>A relative of an input.</summary>
    /// <param name="other">Another entry of the corpus, to take parts from.</param>
    public abstract byte[] Mutate(byte[] input, byte[] other, Random random);

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new Targets.ElfTarget(),
        new Targets.BtfTarget(),
        new Targets.SplitBtfTarget(),
        new Targets.DwarfTarget(),
        new Targets.BpfObjectTarget(),
        new Targets.ArTarget(),
        new Targets.TarTarget(),
        new Targets.DebTarget(),
        new Targets.LocalDebTarget(),
        new Targets.TarballTarget(),
        new Targets.CodecTarget(),
        new Targets.Lz4Target(),
        new Targets.LzoTarget(),
        new Targets.VmlinuzTarget(),
        new Targets.Deb822Target(),
        new Targets.RpmTarget(),
        new Targets.CpioTarget(),
        new Targets.RpmMdTarget(),
    ];
}

/// <summary>An input was accepted, but two things that must agree about it do not.</summary>
internal sealed class BrokenPromiseException(string promise) : Exception(promise);
