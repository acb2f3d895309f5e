using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The repository's own Debian packages, built by its own script, once for all tests.</summary>
internal static class DebianPackages
{
    private static readonly TempFolder Folder = new();
    private static readonly Lazy<string> BuiltClient = new(() => Build("btf-fetch", "1.0.0", "all"));
    private static readonly Lazy<string> BuiltService = new(() => Build("btf-archive", "1.0.0", "amd64", "BTF_COMPOSITE=false"));

    private static readonly Lazy<string> BuiltShared = new(() => Build("btf-archive", "1.0.0~shared", "amd64", "BTF_RUNTIME=shared"));

    public static string Client => BuiltClient.Value;

    public static string Service => BuiltService.Value;

    /// <summary>The service without a runtime of its own.</summary>
    public static string ServiceOnSharedRuntime => BuiltShared.Value;

    /// <summary>The same content under a newer version.</summary>
    public static string Raised(string package, string version)
    {
        var (tree, target) = (Folder.File(Guid.NewGuid().ToString("n")), Folder.File($"{Path.GetFileName(package)}.{version}.deb"));
        Tool.Shell($"dpkg-deb -R '{package}' '{tree}' && sed -i 's/^Version: .*/Version: {version}/' '{tree}/DEBIAN/control' && dpkg-deb --root-owner-group -Zgzip -z1 -b '{tree}' '{target}'");
        return target;
    }

    private static string Build(string name, string version, string arch, params string[] environment)
    {
        var result = Tool.Try("env", [.. environment, Path.Combine(Checkout.Root, "infra", "packages", "build"), "--only", name, "--version", version, "--compress", "gzip", "--output", Folder.FullPath], TimeSpan.FromMinutes(20));
        return result.Status == 0 ? Folder.File($"{name}_{version}_{arch}.deb") : throw new InvalidOperationException(result.Output + result.Errors);
    }
}
