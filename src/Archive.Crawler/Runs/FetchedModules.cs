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

    /// <summary>Collects modules of one or several packages.</summary>
    internal sealed class Builder(ConvertedKernel kernel, ConversionOptions options)
    {
        private readonly Dictionary<string, ModuleBtf> _modules = new(StringComparer.Ordinal);
        private readonly List<KernelBuild> _packages = [];
        private readonly List<string> _refused = [];
        private int _seen;

        /// <returns>Modules seen.</returns>
        public int Take(IEnumerable<PackageModule> modules, KernelBuild? package, CancellationToken cancellation)
        {
            if (package is not null)
                _packages.Add(package);
            try
            {
                _seen += new ModuleConverter(kernel, options).Convert(
                    modules, m => _modules.TryAdd(m.Name, m), (m, problem) => Refuse($"{m.Name}: {problem.Message}"), cancellation);
            }
            catch (MalformedInputException problem)
            {
                // The package breaks off behind the kernel; what came before is good.
                Refuse(problem.Message);
            }
            return _seen;
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

        /// <summary>Null where there was none.</summary>
        public FetchedModules? End() => _seen == 0 && _refused.Count == 0 ? null : new FetchedModules([.. _modules.Values], _seen, _packages, _refused);

        private void Refuse(string reason)
        {
            if (_refused.Count < MaxReasons)
                _refused.Add(reason);
        }
    }
}
