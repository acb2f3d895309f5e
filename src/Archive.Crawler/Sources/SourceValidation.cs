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
        Require(_source.Protocol is "apt" or "rpm-md" or "directory" or "launchpad" or "snapshot" or "folder", "protocol", _source.Protocol);
        Require(IsFile(_source.Keyring), "keyring", _source.Keyring);
        Require(IsFile(_source.ClientCertificate), "client_certificate", _source.ClientCertificate);
        Require(IsFile(_source.ClientKey) && _source.ClientKey is null == _source.ClientCertificate is null, "client_key", _source.ClientKey);
        Require(IsFile(_source.CertificateAuthority), "certificate_authority", _source.CertificateAuthority);
        Require(_source.Keyring is not null || !string.IsNullOrWhiteSpace(_source.Unverified), "unverified", "a source without a keyring has to say why");
        Require(IsApt == _source.Components.Count > 0 && _source.Components.All(SafeSegment.IsSafe), "components", string.Join(' ', _source.Components));
        Require(_source.Politeness is { Connections: > 0, RequestsPerSecond: > 0, BytesPerDay: >= 0, FailuresBeforePause: > 0 }, "politeness", $"{_source.Politeness}");
        Require(IsCron(_source.Cron), "cron", _source.Cron);
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
            Require(urls.Count > 0 && urls.All(u => u.IsAbsoluteUri && (_source.Protocol == "folder" ? u.IsFile : u.Scheme is "http" or "https")), $"mirrors.{group}", string.Join(' ', urls));
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
                CheckRepository(repository, $"{field}.repositories");
        }
    }

    private void CheckRepository(RepositoryDefinition repository, string field)
    {
        Require(IsApt ? SafeSegment.IsSafe(repository.Name) : IsBelow(repository.Name), field, repository.Name);
        Require(_source.Mirrors.ContainsKey(repository.Mirror) || repository.Metalink is not null || repository.MirrorList is not null,
            $"{field}.{repository.Name}.mirror", repository.Mirror);
        foreach (var arch in repository.Arches)
            Require(_source.Arches.ContainsKey(arch), $"{field}.{repository.Name}.arches", arch);
        foreach (var list in (string?[])[repository.Metalink, repository.MirrorList])
            Require(list is null || Uri.TryCreate(list, UriKind.Absolute, out var url) && url.Scheme is "http" or "https", $"{field}.{repository.Name}", list);
    }

    private static bool IsFile(string? path) => path is null || Path.IsPathFullyQualified(path);

    private bool IsApt => _source.Protocol == "apt";

    private static bool IsBelow(string path) => path.Length > 0 && path[0] != '/' && !path.Contains("//", StringComparison.Ordinal) && !path.Split('/').Contains("..");

    private void Require(bool holds, string field, string? value)
    {
        if (!holds)
            throw new SourceDefinitionException(_file, field, $"'{value}' is not valid");
    }

    private static bool IsCron(string text)
    {
        try
        {
            return new Quartz.CronExpression(text) is not null;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static bool IsPattern(string pattern, string? group)
    {
        try
        {
            return new NamePattern(pattern) is var names && (group is null || names.HasGroup(group));
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
