using Archive.Extractor;
using Archive.Extractor.Packages;
using Archive.Store.Kernels;
using Btf;

namespace Archive.Crawler.Runs;

/// <summary>The modules of a kernel with their BTF, split on the kernel's.</summary>
/// <param name="Seen">Modules in the packages.</param>
/// <param name="Packages">Packages besides the kernel's own that they came from.</param>
/// <param name="Refused">Why modules were refused, the first few. A kernel is published all the same: its modules do not change it.</param>
public sealed record FetchedModules(IReadOnlyList<ModuleBtf> Modules, int Seen, IReadOnlyList<KernelBuild> Packages, IReadOnlyList<string> Refused)
{
    private const int MaxReasons = 10;

    /// <summary>Why there is nothing to publish; null where there is.</summary>
    public string? Absence => Modules.Count > 0 ? null
        : Refused.Count > 0 ? $"refused: {Refused[0]}{(Refused.Count > 1 ? ", and others" : "")}"
        : Seen == 0 ? "none in the package" : $"{Seen} in the package, without BTF or debug information";

    /// <summary>Collects modules of one or several packages.</summary>
    internal sealed class Builder(ConvertedKernel kernel, ConversionOptions options)
    {
        private readonly Dictionary<string, ModuleBtf> _modules = new(StringComparer.Ordinal);
        private readonly List<KernelBuild> _packages = [];
        private readonly List<string> _refused = [];
        private int _seen;

        /// <summary>Those of the kernel's own package, before and behind it.</summary>
        public void Take(KernelPackage package, CancellationToken cancellation)
        {
            if (package.Early is { } early)
                _seen += new ModuleConverter(kernel, options).Convert(early, Add, Refuse, cancellation);
            Take(package.Modules(cancellation), null, cancellation);
        }

        /// <summary>Those of a package of modules alone.</summary>
        public void Take(IEnumerable<PackageModule> modules, KernelBuild? package, CancellationToken cancellation)
        {
            if (package is not null)
                _packages.Add(package);
            try
            {
                _seen += new ModuleConverter(kernel, options).Convert(modules, Add, Refuse, cancellation);
            }
            catch (MalformedInputException problem)
            {
                // The package breaks off behind the kernel; what came before is good.
                Refuse(problem.Message);
            }
        }

        /// <summary>An empty one, for a package that may prove to be another than the index says.</summary>
        public Builder Fork() => new(kernel, options);

        public void Join(Builder other)
        {
            foreach (var (name, module) in other._modules)
                _modules.TryAdd(name, module);
            _packages.AddRange(other._packages);
            foreach (var reason in other._refused)
                Refuse(reason);
            _seen += other._seen;
        }

        public FetchedModules End() => new([.. _modules.Values], _seen, _packages, _refused);

        private void Add(ModuleBtf module) => _modules.TryAdd(module.Name, module);

        private void Refuse(string module, Exception problem) => Refuse($"{module}: {problem.Message}");

        public void Refuse(string reason)
        {
            if (_refused.Count < MaxReasons)
                _refused.Add(reason);
        }
    }
}
