namespace Archive.Store.Kernels;

/// <summary>A package's version, <c>[epoch:]version[-release]</c>: deb-version(7) and rpm split it alike, and compare its parts each in its own way.</summary>
internal readonly ref struct VersionParts
{
    private readonly ReadOnlySpan<char> _epoch, _version, _release;

    public VersionParts(ReadOnlySpan<char> text)
    {
        var colon = text.IndexOf(':');
        _epoch = colon < 0 ? "0" : text[..colon];
        _version = text[(colon + 1)..];
        if (_version.LastIndexOf('-') is >= 0 and var dash)
        {
            _release = _version[(dash + 1)..];
            _version = _version[..dash];
        }
    }

    public delegate int PartOrder(ReadOnlySpan<char> x, ReadOnlySpan<char> y);

    /// <summary>By epoch, then version, then release.</summary>
    public static int Compare(VersionParts x, VersionParts y, PartOrder order)
    {
        var byEpoch = order(x._epoch, y._epoch);
        if (byEpoch != 0)
            return byEpoch;
        var byVersion = order(x._version, y._version);
        return byVersion != 0 ? byVersion : order(x._release, y._release);
    }
}
