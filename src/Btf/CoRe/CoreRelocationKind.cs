namespace Btf.CoRe;

/// <summary>What a CO-RE relocation asks of the target kernel, with the numbers of <c>enum bpf_core_relo_kind</c> (<c>include/uapi/linux/bpf.h</c>).</summary>
public enum CoreRelocationKind : uint
{
    FieldByteOffset = 0,
    FieldByteSize = 1,
    FieldExists = 2,
    FieldSigned = 3,
    FieldLshiftU64 = 4,
    FieldRshiftU64 = 5,
    TypeIdLocal = 6,
    TypeIdTarget = 7,
    TypeExists = 8,
    TypeSize = 9,
    EnumvalExists = 10,
    EnumvalValue = 11,
    TypeMatches = 12,
}

public static class CoreRelocationKinds
{
    public static bool IsKnown(this CoreRelocationKind kind) => kind <= CoreRelocationKind.TypeMatches;

    public static bool IsField(this CoreRelocationKind kind) => kind <= CoreRelocationKind.FieldRshiftU64;

    public static bool IsType(this CoreRelocationKind kind) =>
        kind is >= CoreRelocationKind.TypeIdLocal and <= CoreRelocationKind.TypeSize or CoreRelocationKind.TypeMatches;

    public static bool IsEnumval(this CoreRelocationKind kind) => kind is CoreRelocationKind.EnumvalExists or CoreRelocationKind.EnumvalValue;

    /// <summary>Answered by 0 where the target has nothing of the kind; the others are poisoned, or 0 too if they are about types.</summary>
    public static bool IsExistence(this CoreRelocationKind kind) =>
        kind is CoreRelocationKind.FieldExists or CoreRelocationKind.TypeExists or CoreRelocationKind.EnumvalExists or CoreRelocationKind.TypeMatches;

    /// <summary>The name that libbpf's log has for it.</summary>
    public static string LogName(this CoreRelocationKind kind) => kind switch
    {
        CoreRelocationKind.FieldByteOffset => "byte_off",
        CoreRelocationKind.FieldByteSize => "byte_sz",
        CoreRelocationKind.FieldExists => "field_exists",
        CoreRelocationKind.FieldSigned => "signed",
        CoreRelocationKind.FieldLshiftU64 => "lshift_u64",
        CoreRelocationKind.FieldRshiftU64 => "rshift_u64",
        CoreRelocationKind.TypeIdLocal => "local_type_id",
        CoreRelocationKind.TypeIdTarget => "target_type_id",
        CoreRelocationKind.TypeExists => "type_exists",
        CoreRelocationKind.TypeSize => "type_size",
        CoreRelocationKind.EnumvalExists => "enumval_exists",
        CoreRelocationKind.EnumvalValue => "enumval_value",
        CoreRelocationKind.TypeMatches => "type_matches",
        _ => $"unknown ({(uint)kind})",
    };
}
