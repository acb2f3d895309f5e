using Btf.Format;

namespace Btf.CoRe;

/// <summary>Resolves the relocations of an object on a target by the rules of a loader.</summary>
/// <remarks>Not safe for concurrent use.</remarks>
public abstract class CoreResolution
{
    /// <param name="relocation">Of the object.</param>
    /// <param name="local">The access in the object; it and <paramref name="found"/> hold until the next call.</param>
    /// <param name="found">The access in the target, as far as it goes.</param>
    /// <exception cref="BtfFormatException">The object's BTF, or the target's, is broken.</exception>
    public abstract CoreOutcome Resolve(in CoreRelocation relocation, out CoreSpec local, out CoreSpec found);

    public static CoreResolution Create(CoreLoader loader, BpfObject item, CoreTarget target) => loader == CoreLoader.Cilium
        ? new CiliumResolution(item, target)
        : new LibbpfResolution(item.Btf, target);

    private sealed class LibbpfResolution(BtfBlob local, CoreTarget target) : CoreResolution
    {
        private readonly CoreResolver _resolver = new(local, target);

        public override CoreOutcome Resolve(in CoreRelocation relocation, out CoreSpec local, out CoreSpec found)
        {
            (local, found) = (_resolver.LocalSpec, _resolver.TargetSpec);
            return _resolver.Resolve(relocation);
        }
    }
}

/// <summary>
/// The rules of cilium/ebpf (<c>btf/core.go</c>), where they differ from libbpf's: all relocations on one local type take the same
/// candidate, the one on which fewest fail; only candidates that are equally good have to agree. A type that is missing poisons what asks
/// for its size or id. Loads keep their width.
/// </summary>
/// <remarks>
/// cilium/ebpf counts over a program and the functions it calls, this over the object: of 300 real objects no relocation comes to
/// something else for it. A bitfield that no load holds is refused here, where cilium/ebpf makes a shift of it that reads other bits.
/// </remarks>
internal sealed class CiliumResolution(BpfObject item, CoreTarget target) : CoreResolution
{
    private readonly ILookup<uint, CoreRelocation> _byRoot = item.Relocations.Where(relocation => relocation.Kind != CoreRelocationKind.TypeIdLocal).ToLookup(relocation => relocation.TypeId);
    private readonly Dictionary<uint, Choice> _choices = [];
    private readonly StepBudget _budget = new();
    private readonly CoreSpec _local = new();
    private readonly CoreSpec _found = new();

    public override CoreOutcome Resolve(in CoreRelocation relocation, out CoreSpec local, out CoreSpec found)
    {
        (local, found) = (_local, _found);
        if (relocation.Kind == CoreRelocationKind.TypeIdLocal)
            return Try(relocation, new CoreCandidate(item.Btf, relocation.TypeId));
        var root = item.Btf[relocation.TypeId];
        if (root.NameOffset == 0)
            return CoreOutcome.Refused(CoreFailure.AnonymousRoot);
        if (!_choices.TryGetValue(root.Id, out var choice))
            _choices.Add(root.Id, choice = Choose(root));
        return choice switch
        {
            { Refusal: not CoreFailure.None } => Parsed(relocation, CoreOutcome.Refused(choice.Refusal)),
            { Candidate: { } candidate } => Try(relocation, candidate),
            _ => Parsed(relocation, Absent(CoreFailure.NoSuchType, relocation.Kind)),
        };
    }

    private Choice Choose(in BtfType root)
    {
        var relocations = _byRoot[root.Id].ToList();
        var candidates = target.FindCandidates(root, everywhere: true);
        var best = (Score: relocations.Count + 1, Outcomes: new List<CoreOutcome>(), Candidate: default(CoreCandidate?));
        foreach (var candidate in candidates)
        {
            var outcomes = relocations.ConvertAll(relocation => Try(relocation, candidate));
            if (outcomes.Find(outcome => outcome.Failure.IsRefusal()) is { Failure: not CoreFailure.None } refused)
                return new(null, refused.Failure);
            var score = outcomes.Count(outcome => outcome.Failure != CoreFailure.None);
            if (score < best.Score)
                best = (score, outcomes, candidate);
            else if (score == best.Score && score < relocations.Count && !outcomes.Select(Value).SequenceEqual(best.Outcomes.Select(Value)))
                return new(null, CoreFailure.AmbiguousValue);
        }
        return new(best.Candidate, CoreFailure.None);
    }

    private static (ulong, bool) Value(CoreOutcome outcome) => (outcome.TargetValue, outcome.IsPoison);

    private CoreOutcome Try(in CoreRelocation relocation, CoreCandidate candidate)
    {
        var failure = CoreSpecParser.Parse(item.Btf, relocation, _local);
        if (failure != CoreFailure.None)
            return CoreOutcome.Refused(failure);
        failure = CoreValues.Calculate(_local, item.Btf.IsBigEndian, out var local);
        if (failure != CoreFailure.None)
            return CoreOutcome.Refused(failure);
        failure = relocation.Kind == CoreRelocationKind.TypeIdLocal
            ? CoreSpecParser.Parse(item.Btf, relocation, _found)
            : new CoreSpecMatch(item.Btf, candidate.Btf, _budget).Run(_local, candidate.TypeId, _found);
        if (failure == CoreFailure.IndexOutOfBounds && IsEmptyArray(_found))
            return CoreOutcome.Refused(CoreFailure.EmptyArray);
        if (failure.IsAbsence())
            return Absent(failure, relocation.Kind);
        var value = default(CoreValue);
        if (failure == CoreFailure.None)
            failure = CoreValues.Calculate(_found, item.Btf.IsBigEndian, out value);
        if (failure == CoreFailure.None)
            failure = Signedness();
        return failure == CoreFailure.None
            ? new(CoreFailure.None, local.Value, value.Value, false, !local.IsAmbiguous, 0, 0, false)
            : CoreOutcome.Refused(failure);
    }

    /// <summary>An array without elements that is not at the end of its struct is no flexible one, and taken for an error.</summary>
    private static bool IsEmptyArray(CoreSpec spec) =>
        spec.Accessors.Length > 1 && FieldType(spec) is { Kind: BtfKind.Array } array && array.Array.ElementCount == 0;

    /// <summary>Only enums and integers have a sign, and only with their like is it compared.</summary>
    private CoreFailure Signedness()
    {
        if (_local.Kind != CoreRelocationKind.FieldSigned)
            return CoreFailure.None;
        var (left, right) = (FieldType(_local), FieldType(_found));
        return (left.IsEnum && right.IsEnum) || (left.Kind == BtfKind.Int && right.Kind == BtfKind.Int) ? CoreFailure.None : CoreFailure.NoSignedness;
    }

    private static BtfType FieldType(CoreSpec spec)
    {
        var accessor = spec.Accessors[^1];
        return TypeSteps.Underlying(spec.Btf, accessor.IsNamed ? spec.Btf[accessor.TypeId].Members[accessor.Index].TypeId : accessor.TypeId);
    }

    private CoreOutcome Parsed(in CoreRelocation relocation, in CoreOutcome outcome)
    {
        var failure = CoreSpecParser.Parse(item.Btf, relocation, _local);
        _found.Begin(target.Kernel, relocation.Kind, 0);
        return failure == CoreFailure.None ? outcome : CoreOutcome.Refused(failure);
    }

    private static CoreOutcome Absent(CoreFailure failure, CoreRelocationKind kind) => new(failure, 1, 0, !kind.IsExistence(), kind.IsExistence(), 0, 0, false);

    private readonly record struct Choice(CoreCandidate? Candidate, CoreFailure Refusal);
}
