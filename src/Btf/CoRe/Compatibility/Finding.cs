namespace Btf.CoRe.Compatibility;

/// <summary>Whether an object will load and attach on a kernel, worst last.</summary>
public enum Verdict : byte
{
    Ok,

    /// <summary>The kernel lacks something that the object asks for, and the object gets along without.</summary>
    Guarded,

    /// <summary>It will not load, or a program of it will not attach.</summary>
    Error,
}

/// <summary>One thing that a kernel lacks.</summary>
/// <param name="Verdict">What comes of it.</param>
/// <param name="Code">A word for programs: the failure or the need, in kebab case.</param>
/// <param name="Program">The function in which it is, or empty.</param>
/// <param name="Section">The ELF section.</param>
/// <param name="Instruction">Index in the function, or -1 if it is no instruction.</param>
/// <param name="Source">File and line, or empty.</param>
/// <param name="SourceText">The line as it was compiled, or empty.</param>
/// <param name="Kind">The relocation's kind or the need's.</param>
/// <param name="Access">In C notation, or the name of what is needed.</param>
/// <param name="Explanation">What the target has instead.</param>
public sealed record Finding(
    Verdict Verdict, string Code, string Program, string Section, int Instruction, string Source, string SourceText, string Kind, string Access, string Explanation);

/// <summary>An object on one kernel.</summary>
/// <param name="Omitted">How many further findings there are, which <paramref name="Verdict"/> counts too.</param>
public sealed record CompatibilityResult(Verdict Verdict, IReadOnlyList<Finding> Findings, int Omitted = 0)
{
    /// <summary>Equal by what was found: kernels with equal results are shown together.</summary>
    public bool Equals(CompatibilityResult? other) =>
        other is not null && (Verdict, Omitted) == (other.Verdict, other.Omitted) && Findings.SequenceEqual(other.Findings);

    public override int GetHashCode() => Findings.Aggregate(HashCode.Combine(Verdict, Omitted), HashCode.Combine);
}
