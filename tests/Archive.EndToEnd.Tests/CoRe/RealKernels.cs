using Archive.Extractor;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>The BTF of real kernels that have their own: 5.10 to 7.x, three architectures, one of them big-endian.</summary>
internal static class RealKernels
{
    public sealed record Kernel(string Name, string BtfPath)
    {
        public byte[] Btf() => File.ReadAllBytes(BtfPath);

        public override string ToString() => Name;
    }

    private static readonly Lazy<IReadOnlyList<Kernel>> Kernels = new(() =>
    [
        Of("bullseye-cloud-amd64", KernelCorpus.BullseyeCloudAmd64),
        Of("bookworm-cloud-amd64", KernelCorpus.BookwormCloudAmd64),
        Of("bookworm-cloud-arm64", KernelCorpus.BookwormCloudArm64),
        Of("trixie-cloud-amd64", KernelCorpus.TrixieCloudAmd64),
        Of("trixie-cloud-arm64", KernelCorpus.TrixieCloudArm64Image),
        Of("trixie-s390x", KernelCorpus.TrixieS390xImage),
        Of("sid-cloud-arm64", KernelCorpus.SidCloudArm64Binary),
    ]);

    public static IReadOnlyList<Kernel> All => Kernels.Value;

    public static Kernel Bookworm => All.Single(kernel => kernel.Name == "bookworm-cloud-amd64");

    /// <summary>The kernel's own BTF, by the extractor; whether it takes the right bytes is asked in its own tests.</summary>
    private static Kernel Of(string name, KernelCorpus corpus)
    {
        var package = corpus.PackagePath;
        return new(name, Path.Combine(TestCache.Made($"{name}-btf", corpus.PackageVersion, target => Extract(package, target)), "kernel.btf"));
    }

    private static void Extract(string package, string target)
    {
        var (_, kernel) = new KernelExtractor(target, new ConversionOptions(BtfSource.Btf, Environment.ProcessorCount)).ExtractFile(package);
        File.WriteAllBytes(Path.Combine(target, "kernel.btf"), kernel.Bytes);
    }
}
