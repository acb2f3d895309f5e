using System.Globalization;
using Btf.Format;

namespace Btf.Text.Changes;

/// <summary>
/// Two functions of one name. Parameters are the same by name; one without a partner is renamed if the other side has, at its place, one without a
/// partner and of its type.
/// </summary>
internal static class FunctionComparison
{
    private sealed record Parameter(int Index, string Name, string Type);

    public static List<ChangeDetail> Compare(Side left, in BtfType leftType, Side right, in BtfType rightType)
    {
        var details = new List<ChangeDetail>();
        var (before, after) = (left.Blob[leftType.SizeOrType], right.Blob[rightType.SizeOrType]);
        if (leftType.Linkage != rightType.Linkage)
            details.Add(new ChangeDetail(ChangeReason.LinkageChanged, "", Text(leftType.Linkage), Text(rightType.Linkage)));
        if (before.Kind != BtfKind.FuncProto || after.Kind != BtfKind.FuncProto)
            return details;
        var (was, now) = (left.Lines.Unfolded(before.SizeOrType), right.Lines.Unfolded(after.SizeOrType));
        if (was != now)
            details.Add(new ChangeDetail(ChangeReason.ReturnTypeChanged, "", was, now));
        CompareParameters(Parameters(left, before), Parameters(right, after), details);
        return details;
    }

    private static string Text(BtfLinkage linkage) => linkage.ToString().ToLowerInvariant();

    private static List<Parameter> Parameters(Side side, in BtfType prototype)
    {
        var parameters = new List<Parameter>(prototype.Vlen);
        for (var i = 0; i < prototype.Vlen; i++)
        {
            var param = prototype.Params[i];
            var isVariadic = param.TypeId == 0 && i == prototype.Vlen - 1;
            var name = isVariadic ? "..." : param.NameOffset == 0 ? string.Create(CultureInfo.InvariantCulture, $"#{i + 1}") : param.Name;
            parameters.Add(new Parameter(i, name, isVariadic ? "..." : side.Lines.Unfolded(param.TypeId)));
        }
        return parameters;
    }

    private static void CompareParameters(List<Parameter> before, List<Parameter> after, List<ChangeDetail> details)
    {
        var pairs = before.Join(after, parameter => parameter.Name, parameter => parameter.Name, (old, @new) => (Old: old, New: @new)).ToList();
        var (gone, come) = (before.Except(pairs.Select(pair => pair.Old)).ToList(), after.Except(pairs.Select(pair => pair.New)).ToList());
        foreach (var (old, @new) in pairs.Where(pair => pair.Old.Type != pair.New.Type))
            details.Add(new ChangeDetail(ChangeReason.ParameterTypeChanged, old.Name, old.Type, @new.Type));
        foreach (var old in gone.ToList())
        {
            if (come.Find(other => other.Index == old.Index && other.Type == old.Type) is not { } renamed)
                continue;
            details.Add(new ChangeDetail(ChangeReason.ParameterRenamed, old.Name, old.Name, renamed.Name));
            gone.Remove(old);
            come.Remove(renamed);
        }
        details.AddRange(gone.Select(parameter => new ChangeDetail(ChangeReason.ParameterRemoved, parameter.Name, Described(parameter), null)));
        details.AddRange(come.Select(parameter => new ChangeDetail(ChangeReason.ParameterAdded, parameter.Name, null, Described(parameter))));
        AddMoved(pairs.Select(pair => (pair.Old, pair.New)).ToList(), details);
    }

    private static string Described(Parameter parameter) => string.Create(CultureInfo.InvariantCulture, $"{parameter.Type}, parameter {parameter.Index + 1}");

    /// <summary>Those that others which stayed have overtaken.</summary>
    private static void AddMoved(List<(Parameter Old, Parameter New)> pairs, List<ChangeDetail> details)
    {
        var ranks = pairs.OrderBy(pair => pair.New.Index).Select((pair, rank) => (pair.Old, Rank: rank)).ToDictionary(item => item.Old, item => item.Rank);
        for (var i = 0; i < pairs.Count; i++)
        {
            if (ranks[pairs[i].Old] != i)
                details.Add(new ChangeDetail(ChangeReason.ParameterMoved, pairs[i].Old.Name, Position(pairs[i].Old), Position(pairs[i].New)));
        }
    }

    private static string Position(Parameter parameter) => string.Create(CultureInfo.InvariantCulture, $"parameter {parameter.Index + 1}");
}
