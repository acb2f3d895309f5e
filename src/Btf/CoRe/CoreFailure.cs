namespace Btf.CoRe;

/// <summary>Why a relocation has no value on a target.</summary>
public enum CoreFailure : byte
{
    None = 0,

    // The target has nothing that fits. Loaders answer existence questions by 0 and poison the instruction otherwise.
    NoSuchType,
    NoSuchMember,
    MemberTypeDiffers,
    NotComposite,
    NotAnArray,
    IndexOutOfBounds,
    NoSuchEnumerator,
    NotAnEnum,
    TypeNotCompatible,
    TypeDoesNotMatch,

    // The relocation cannot be answered: loaders refuse the whole object.
    UnknownKind,
    MalformedAccess,
    AnonymousRoot,
    AmbiguousOffset,
    AmbiguousValue,
    NestedTooDeep,
    TooComplex,
    SizeUnknown,
    EmptyArray,
    BitfieldTooWide,
    NotForArrayElements,
    NoSignedness,

    // The value does not fit its instruction.
    OffsetTooLarge,
    SizeNotAdjustable,
    UnexpectedInstruction,
    UnexpectedValue,
}

public static class CoreFailures
{
    /// <summary>The target lacks what was asked for, and nothing else is wrong.</summary>
    public static bool IsAbsence(this CoreFailure failure) => failure is > CoreFailure.None and <= CoreFailure.TypeDoesNotMatch;

    /// <summary>Loaders refuse the object, whether the instruction is reached or not.</summary>
    public static bool IsRefusal(this CoreFailure failure) => failure >= CoreFailure.UnknownKind && failure != CoreFailure.SizeNotAdjustable;
}
