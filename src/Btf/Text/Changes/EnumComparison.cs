using System.Globalization;
using Btf.Format;

namespace Btf.Text.Changes;

/// <summary>Two enums of one name, value by value.</summary>
internal static class EnumComparison
{
    public static List<ChangeDetail> Compare(in BtfType left, in BtfType right)
    {
        var (before, after) = (Values(left), Values(right));
        var (old, @new) = (ByName(before), ByName(after));
        return [
            .. before.Where(value => !@new.ContainsKey(value.Name)).Select(value => new ChangeDetail(ChangeReason.EnumeratorRemoved, value.Name, value.Value, null)),
            .. after.Where(value => !old.ContainsKey(value.Name)).Select(value => new ChangeDetail(ChangeReason.EnumeratorAdded, value.Name, null, value.Value)),
            .. before.Where(value => @new.TryGetValue(value.Name, out var other) && other != value.Value)
                .Select(value => new ChangeDetail(ChangeReason.EnumeratorValueChanged, value.Name, value.Value, @new[value.Name])),
        ];
    }

    private static List<(string Name, string Value)> Values(in BtfType type)
    {
        var values = new List<(string, string)>(type.Vlen);
        foreach (var enumerator in type.Enumerators)
            values.Add((enumerator.Name, type.KindFlag ? enumerator.Value.ToString(CultureInfo.InvariantCulture) : enumerator.UnsignedValue.ToString(CultureInfo.InvariantCulture)));
        return values;
    }

    private static Dictionary<string, string> ByName(List<(string Name, string Value)> values)
    {
        var named = new Dictionary<string, string>(values.Count, StringComparer.Ordinal);
        foreach (var (name, value) in values)
            named.TryAdd(name, value);
        return named;
    }
}
