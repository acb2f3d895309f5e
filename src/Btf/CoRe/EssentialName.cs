namespace Btf.CoRe;

/// <summary>
/// Names without their flavour: <c>task_struct___old</c> stands for <c>task_struct</c>, so that one object can describe
/// several versions of a type. The flavour begins at the last <c>___</c> that has something else than an underscore on both sides.
/// </summary>
public static class EssentialName
{
    /// <summary>The part of the name that counts.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> name) => name[..Length(name)];

    public static int Length(ReadOnlySpan<byte> name)
    {
        for (var i = name.Length - 5; i >= 0; i--)
        {
            // The separator's last underscore is where few names have one: look there first.
            if (name[i + 3] == '_' && name[i + 2] == '_' && name[i + 1] == '_' && name[i] != '_' && name[i + 4] != '_')
                return i + 1;
        }
        return name.Length;
    }

    public static bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => Of(left).SequenceEqual(Of(right));
}
