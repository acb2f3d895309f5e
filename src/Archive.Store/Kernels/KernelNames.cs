namespace Archive.Store.Kernels;

/// <summary>Canonical names of distros, versions and archs, and what clients call them instead.</summary>
public static class KernelNames
{
}
