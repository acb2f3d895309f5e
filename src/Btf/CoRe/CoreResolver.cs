using Btf.Format;

namespace Btf.CoRe;

/// <summary>What a relocation comes to on a target.</summary>
/// <param name="Failure"><see cref="CoreFailure.None"/> if the target has what was asked for.</param>
/// <param name="LocalValue">What the compiler put into the instruction.</param>
/// <param name="TargetValue">What the loader puts there.</param>
/// <param name="IsPoison">The loader puts an invalid instruction there instead, which is an error if it is reached.</param>
/// <param name="IsChecked">The instruction has to hold <paramref name="LocalValue"/>.</param>
/// <param name="LocalSize">Bytes that the instruction loads or stores, of a byte offset; else 0.</param>
/// <param name="IsSizeFixed">The sizes differ, and a load or store cannot be adjusted without changing what it reads: poisoned if it is one.</param>
public readonly record struct CoreOutcome(
    CoreFailure Failure, ulong LocalValue, ulong TargetValue, bool IsPoison, bool IsChecked, uint LocalSize, uint TargetSize, bool IsSizeFixed)
{
    internal static CoreOutcome Refused(CoreFailure failure) => new(failure, 0, 0, true, false, 0, 0, false);
}

/// <summary>
/// Resolves the relocations of one object against one target, with libbpf's results: a relocation has a value if at least one
/// candidate matches, and all that match have to agree. Not safe for concurrent use: specs are reused.
/// </summary>
/// <remarks>
/// Candidates that did not match are dropped for the relocations that follow on the same local type, so order counts.
/// What libbpf aborts on is a failure that <see cref="CoreFailures.IsRefusal"/>, and the next relocation can be asked for.
/// </remarks>
public sealed class CoreResolver
{
    private readonly BtfBlob _local;
    private readonly CoreTarget _target;
    private readonly Dictionary<int, List<CoreCandidate>> _candidates = [];
    private readonly Dictionary<BtfBlob, CoreSpecMatch> _matches = [];
    private readonly CoreSpec _trial = new();
    private readonly StepBudget _budget = new();

    /// <param name="local">BTF of the object.</param>
    public CoreResolver(BtfBlob local, CoreTarget target)
    {
        _local = local;
        _target = target;
    }

    /// <summary>The access in the object, of the last relocation that was resolved.</summary>
    public CoreSpec LocalSpec { get; } = new();

    /// <summary>The access in the target, of the first candidate that matched; or, if none did, in the one that came closest.</summary>
    public CoreSpec TargetSpec { get; } = new();

    /// <summary>How many types of the target have the root's name and kind.</summary>
    public int CandidateCount { get; private set; }

    /// <summary>Called with the spec of each candidate that matched, the first included.</summary>
    internal Action<CoreSpec>? OnMatch { get; init; }

    /// <exception cref="BtfFormatException">The object's BTF, or the target's, is broken.</exception>
    public CoreOutcome Resolve(in CoreRelocation relocation)
    {
        CandidateCount = 0;
        TargetSpec.Begin(_target.Kernel, relocation.Kind, 0);
        var failure = CoreSpecParser.Parse(_local, relocation, LocalSpec);
        if (failure != CoreFailure.None)
            return CoreOutcome.Refused(failure);
        failure = CoreValues.Calculate(LocalSpec, _local.IsBigEndian, out var localValue);
        if (failure != CoreFailure.None)
            return CoreOutcome.Refused(failure);
        if (relocation.Kind == CoreRelocationKind.TypeIdLocal)
            return Found(localValue, localValue);
        var root = _local[relocation.TypeId];
        return root.NameOffset == 0 ? CoreOutcome.Refused(CoreFailure.AnonymousRoot) : Resolve(root, localValue);
    }

    private CoreOutcome Resolve(in BtfType root, in CoreValue localValue)
    {
        if (!_candidates.TryGetValue((int)root.Id, out var candidates))
            _candidates.Add((int)root.Id, candidates = _target.FindCandidates(root));
        CandidateCount = candidates.Count;
        var (matching, value, closest) = (0, default(CoreValue), CoreFailure.NoSuchType);
        for (var i = 0; i < candidates.Count; i++)
        {
            var failure = Try(candidates[i], out var candidateValue);
            if (failure.IsAbsence())
            {
                closest = Closer(matching == 0, closest, failure);
                continue;
            }
            if (failure == CoreFailure.None && matching > 0)
                failure = Disagreement(value, candidateValue);
            if (failure != CoreFailure.None)
                return CoreOutcome.Refused(failure);
            if (matching == 0)
            {
                value = candidateValue;
                _trial.CopyTo(TargetSpec);
            }
            OnMatch?.Invoke(_trial);
            candidates[matching++] = candidates[i];
        }
        if (matching == 0)
            return Absent(closest, localValue);
        candidates.RemoveRange(matching, candidates.Count - matching);
        return Found(localValue, value);
    }

    private CoreFailure Try(CoreCandidate candidate, out CoreValue value)
    {
        value = default;
        if (!_matches.TryGetValue(candidate.Btf, out var match))
            _matches.Add(candidate.Btf, match = new(_local, candidate.Btf, _budget));
        var failure = match.Run(LocalSpec, candidate.TypeId, _trial);
        return failure == CoreFailure.None ? CoreValues.Calculate(_trial, _local.IsBigEndian, out value) : failure;
    }

    /// <summary>Of candidates that did not match, the one that went furthest along the access tells most.</summary>
    private CoreFailure Closer(bool noneMatched, CoreFailure closest, CoreFailure failure)
    {
        if (!noneMatched || (closest != CoreFailure.NoSuchType && _trial.Accessors.Length <= TargetSpec.Accessors.Length))
            return closest;
        _trial.CopyTo(TargetSpec);
        return failure;
    }

    private CoreFailure Disagreement(in CoreValue first, in CoreValue other)
    {
        if (_trial.BitOffset != TargetSpec.BitOffset)
            return CoreFailure.AmbiguousOffset;
        return first.Value == other.Value ? CoreFailure.None : CoreFailure.AmbiguousValue;
    }

    /// <summary>Existence is answered by 0, and so is all that is asked of types: libbpf poisons fields and enumerators alone.</summary>
    private CoreOutcome Absent(CoreFailure failure, in CoreValue localValue)
    {
        var isPoison = !LocalSpec.Kind.IsExistence() && !LocalSpec.Kind.IsType();
        return new(failure, localValue.Value, 0, isPoison, !localValue.IsAmbiguous, localValue.LoadSize, 0, false);
    }

    private CoreOutcome Found(in CoreValue local, in CoreValue target) =>
        new(CoreFailure.None, local.Value, target.Value, false, !local.IsAmbiguous, local.LoadSize, target.LoadSize, IsSizeFixed(local, target));

    /// <summary>A narrower or wider load reads the same value of pointers and of unsigned integers, by zero extension; of nothing else.</summary>
    private bool IsSizeFixed(in CoreValue local, in CoreValue target)
    {
        if (local.LoadSize == target.LoadSize)
            return false;
        // One side is a bitfield, which has no load size: void.
        var (left, right) = (_local[local.LoadTypeId], TargetSpec.Btf[target.LoadTypeId]);
        var arePointers = left.Kind == BtfKind.Ptr && right.Kind == BtfKind.Ptr;
        return !arePointers && !(IsUnsigned(left) && IsUnsigned(right));
    }

    private static bool IsUnsigned(in BtfType type) => type.Kind == BtfKind.Int && type.Int.Encoding != BtfIntEncoding.Signed;
}
