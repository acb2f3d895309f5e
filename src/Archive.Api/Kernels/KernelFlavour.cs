namespace Archive.Api.Kernels;

/// <summary>What a uname says beside its version.</summary>
public static class KernelFlavour
{
    /// <summary><c>cloud-amd64</c> of <c>6.1.0-56-cloud-amd64</c>; empty where there is nothing but a version.</summary>
    public static string Of(string uname) =>
        string.Join('-', uname.Split('-').Skip(1).SkipWhile(part => part.Length == 0 || char.IsAsciiDigit(part[0])));
}
