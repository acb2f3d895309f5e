using System.Text;

namespace TestKit;

/// <summary>Texts in files whose offsets must not move.</summary>
public static class EqualLength
{
    /// <summary>A copy in which one text stands, wherever it is, for another of the same length.</summary>
    public static byte[] Replace(byte[] bytes, string from, string to)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(to.Length, from.Length);
        var own = bytes.ToArray();
        var (old, next) = (Encoding.ASCII.GetBytes(from), Encoding.ASCII.GetBytes(to));
        for (int start = 0, found; (found = own.AsSpan(start).IndexOf(old)) >= 0; start += found + old.Length)
            next.CopyTo(own, start + found);
        return own;
    }
}
