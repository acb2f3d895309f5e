using Archive.Store.Kernels;

namespace Archive.Crawler.Sources;

/// <summary>What must hold of a source file beyond its JSON.</summary>
internal sealed class SourceValidation
{
    private readonly string _file;
    private readonly SourceDefinition _source;

    private SourceValidation(string file, SourceDefinition source) => (_file, _source) = (file, source);

    /// <exception cref="SourceDefinitionException">A field is not valid; the message names file and field.</exception>
    public static void Check(string file, SourceDefinition source)
    {
        var check = new SourceValidation(file, source);
        check.Names();
        check.Packages();
        check.Mirrors();
        check.Releases();
    }

    private void Names()
    {
        Require(SafeSegment.IsSafe(_source.Id), "id", _source.Id);
        Require(KernelNames.Distro(_source.Distro) == _source.Distro, "distro", _source.Distro);
        Require(_source.Protocol == "apt", "protocol", _source.Protocol);
        Require(Path.IsPathFullyQualified(_source.Keyring), "keyring", _source.Keyring);
        Require(_source.Components.Count > 0 && _source.Components.All(SafeSegment.IsSafe), "components", string.Join(' ', _source.Components));
        foreach (var (name, arch) in _source.Arches)
            Require(SafeSegment.IsSafe(name) && KernelNames.Arch(arch) == arch, $"arches.{name}", arch);
    }

    private void Packages()
    {
        Require(_source.Packages.Count > 0, "packages", "[]");
        for (var i = 0; i < _source.Packages.Count; i++)
        {
            var rule = _source.Packages[i];
            Require(IsPattern(rule.Name, null), $"packages[{i}].name", rule.Name);
            Require(rule.Release is null || IsPattern(rule.Release, null), $"packages[{i}].release", rule.Release);
            Require(rule.HasValidUname(), $"packages[{i}].uname", rule.Uname);
            Require(rule.MinSize >= 0, $"packages[{i}].min_size", $"{rule.MinSize}");
        }
        Require(IsPattern(_source.Flavour, "flavour"), "flavour", _source.Flavour);
        foreach (var (flavour, pattern) in _source.Flavours)
            Require(IsPattern(pattern, null), $"flavours.{flavour}", pattern);
        foreach (var flavour in _source.DefaultFlavours)
            Require(flavour == SourceDefinition.GenericFlavour || _source.Flavours.ContainsKey(flavour), "default_flavours", flavour);
    }

    private void Mirrors()
    {
        foreach (var (group, urls) in _source.Mirrors)
            Require(urls.Count > 0 && urls.All(u => u.IsAbsoluteUri && u.Scheme is "http" or "https"), $"mirrors.{group}", string.Join(' ', urls));
    }

    private void Releases()
    {
        Require(_source.Releases.Count > 0, "releases", "[]");
        Require(_source.Releases.Count(r => r.Stable) == 1, "releases", "exactly one must be stable");
        foreach (var release in _source.Releases)
        {
            var field = $"releases.{release.Codename}";
            Require(SafeSegment.IsSafe(release.Codename), field, release.Codename);
            Require(SafeSegment.IsSafe(release.Version), $"{field}.version", release.Version);
            Require(release.Repositories is { Count: > 0 }, $"{field}.repositories", "[]");
            foreach (var repository in release.Repositories)
            {
                Require(SafeSegment.IsSafe(repository.Name), $"{field}.repositories", repository.Name);
                Require(_source.Mirrors.ContainsKey(repository.Mirror), $"{field}.repositories.{repository.Name}.mirror", repository.Mirror);
            }
        }
    }

    private void Require(bool holds, string field, string? value)
    {
        if (!holds)
            throw new SourceDefinitionException(_file, field, $"'{value}' is not valid");
    }

    private static bool IsPattern(string pattern, string? group)
    {
        try
        {
            return PackageRule.Compile(pattern) is var regex && (group is null || regex.GetGroupNames().Contains(group));
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
