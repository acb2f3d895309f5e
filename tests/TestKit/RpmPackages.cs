using System.Text;

namespace TestKit;

/// <summary>Builds RPM packages with rpmbuild, of files that a test has made.</summary>
public sealed class RpmPackages : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Builds one package and returns its path.</summary>
    /// <param name="payload">rpm's io flags, such as <c>w9.xzdio</c> (macro _binary_payload).</param>
    /// <param name="root">Folder with the package's files as they are to be installed.</param>
    /// <param name="arch">As rpm spells it.</param>
    public string Build(string name, string version, string release, string root, string payload = "w3.xzdio", string arch = "x86_64")
    {
        var build = Directory.CreateDirectory(_folder.File($"rpm-{Guid.NewGuid():n}")).FullName;
        var spec = Path.Combine(build, "package.spec");
        File.WriteAllText(spec, Spec(name, version, release, root));
        Tool.Run("rpmbuild", "-bb", "--quiet", "--target", arch,
            "--define", $"_topdir {build}/top", "--define", $"_rpmdir {build}/out", "--define", $"_binary_payload {payload}",
            "--define", "_build_id_links none", "--define", "__os_install_post %{nil}", "--define", "debug_package %{nil}", "--nodeps", spec);
        return Directory.GetFiles(Path.Combine(build, "out"), "*.rpm", SearchOption.AllDirectories).Single();
    }

    public void Dispose() => _folder.Dispose();

    private static string Spec(string name, string version, string release, string root)
    {
        var files = new StringBuilder();
        foreach (var entry in new DirectoryInfo(root).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
        {
            if (entry is FileInfo || entry.LinkTarget is not null)
                files.AppendLine("/" + Path.GetRelativePath(root, entry.FullName));
        }
        return $"""
            Name: {name}
            Version: {version}
            Release: {release}
            Summary: A kernel of a test
            License: none
            AutoReqProv: no
            %description
            A kernel of a test
            %install
            mkdir -p %buildroot
            cp -a '{root}/.' %buildroot/
            %files
            {files}
            """.Replace("            ", "", StringComparison.Ordinal);
    }
}
