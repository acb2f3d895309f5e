namespace Btf.CoRe.Compatibility;

/// <summary>The version that <c>LINUX_KERNEL_VERSION</c> has in a program (<c>KERNEL_VERSION</c> of <c>linux/version.h</c>).</summary>
public static class KernelVersion
{
    /// <param name="uname">What <c>uname -r</c> says: 6.1.0-56-amd64.</param>
    /// <returns>Null if it does not begin with a version.</returns>
    public static ulong? Of(string uname)
    {
        var parts = string.Concat(uname.TakeWhile(letter => char.IsAsciiDigit(letter) || letter == '.')).Split('.');
        return parts.Length >= 2 && byte.TryParse(parts[0], out var major) && byte.TryParse(parts[1], out var minor)
            ? (ulong)major << 16 | (ulong)minor << 8 | Patch(parts)
            : null;
    }

    /// <summary>Numbers over 255 would run into the minor version, so the kernel stops there.</summary>
    private static ulong Patch(string[] parts) => parts.Length > 2 && uint.TryParse(parts[2], out var patch) ? Math.Min(patch, 255) : 0;
}
