using System.Runtime.InteropServices;
using Archive.Store.Kernels;

namespace Archive.Crawler.Sources;

/// <summary>What this machine is: it decides what is crawled by default, and whose mirrors it has.</summary>
/// <param name="Distro">Canonical; null where os-release does not tell.</param>
public sealed record HostIdentity(string? Distro, string? Version, string Arch)
{
    public static HostIdentity Read()
    {
        var os = File.Exists("/etc/os-release") ? OsRelease.Parse(File.ReadAllText("/etc/os-release")) : null;
        return new HostIdentity(os?.Distro, os?.Version, RuntimeInformation.OSArchitecture switch
        {
            Architecture.X64 => "x86_64",
            Architecture.Arm64 => "arm64",
            Architecture.S390x => "s390x",
            Architecture.Ppc64le => "ppc64le",
            Architecture.RiscV64 => "riscv64",
            Architecture.Arm => "armhf",
            Architecture.X86 => "i386",
            var other => other.ToString(),
        });
    }
}
