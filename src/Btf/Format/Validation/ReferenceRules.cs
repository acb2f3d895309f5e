namespace Btf.Format.Validation;

/// <summary>What types require of those they refer to (the kernel's <c>resolve</c> and <c>check_member</c> of each kind).</summary>
internal sealed class ReferenceRules(BtfBlob blob, ResolvedSizes sizes, BtfFindings findings)
{
    private readonly MemberRules _members = new(sizes, blob.PointerSize, findings);

    public void Check()
    {
        foreach (var type in blob.Types)
        {
            if (findings.Full)
                return;
            Check(type);
        }
    }

    private void Check(in BtfType type)
    {
        switch (type.Kind)
        {
            case BtfKind.Struct or BtfKind.Union:
                CheckMembers(type);
                break;
            case BtfKind.Array:
                CheckArray(type);
                break;
            case BtfKind.Func:
                CheckFunc(type);
                break;
            case BtfKind.FuncProto:
                CheckPrototype(type);
                break;
            case BtfKind.Var:
                RequireSized(type, type.SizeOrType, "is of a type without size");
                break;
            case BtfKind.Datasec:
                CheckDatasec(type);
                break;
            case BtfKind.DeclTag:
                CheckDeclTag(type);
                break;
            case BtfKind.Ptr:
                CheckTarget(type);
                break;
            default:
                if (type.IsModifier)
                {
                    CheckTarget(type);
                    CheckTagOrder(type);
                }
                break;
        }
    }

    /// <summary>FUNC, VAR, DATASEC and DECL_TAG are declarations: no type is made of them.</summary>
    private static bool IsDeclaration(in BtfType type) =>
        type.Kind is BtfKind.Func or BtfKind.Var or BtfKind.Datasec or BtfKind.DeclTag;

    private void RequireSized(in BtfType type, uint id, string problem)
    {
        if (!IsSized(id))
            findings.Add(BtfRule.TypeId, type, id, problem);
    }

    private bool IsSized(uint id) => sizes[id] is not null && !IsDeclaration(blob[id]);

    private void CheckTarget(in BtfType type)
    {
        if (IsDeclaration(blob[type.SizeOrType]))
            findings.Add(BtfRule.TypeId, type, type.SizeOrType, "refers to a declaration");
    }

    /// <summary>Type tags come before all modifiers: <c>TYPE_TAG → CONST → INT</c>, not the other way.</summary>
    private void CheckTagOrder(in BtfType type)
    {
        if (type.Kind != BtfKind.TypeTag && blob[type.SizeOrType].Kind == BtfKind.TypeTag)
            findings.Add(BtfRule.TagOrder, type, type.SizeOrType, "stands before a type tag");
    }

    private void CheckMembers(in BtfType type)
    {
        foreach (var member in type.Members)
        {
            if (findings.Full)
                return;
            if (IsSized(member.TypeId))
                _members.Check(type, member);
            else
                findings.Add(BtfRule.TypeId, type, member.TypeId, $"has a member '{member.Name}' of a type without size");
        }
    }

    private void CheckArray(in BtfType type)
    {
        var array = type.Array;
        var index = sizes.SkipModifiers(array.IndexTypeId);
        if (index.Kind != BtfKind.Int || !index.Int.IsRegular)
            findings.Add(BtfRule.TypeId, type, array.IndexTypeId, "is indexed by something else than a regular INT");
        RequireSized(type, array.ElementTypeId, "has elements without size");
        var element = sizes.SkipModifiers(array.ElementTypeId);
        if (element.Kind == BtfKind.Int && !element.Int.IsRegular)
            findings.Add(BtfRule.IntEncoding, type, array.ElementTypeId, "has elements of an irregular INT");
    }

    private void CheckFunc(in BtfType type)
    {
        var prototype = blob[type.SizeOrType];
        if (prototype.Kind != BtfKind.FuncProto)
        {
            findings.Add(BtfRule.TypeId, type, type.SizeOrType, "is not of a FUNC_PROTO");
            return;
        }
        foreach (var param in prototype.Params)
        {
            if (param.NameOffset == 0 && param.TypeId != 0)
                findings.Add(BtfRule.Name, type, prototype.Id, "has a parameter without name");
        }
    }

    private void CheckPrototype(in BtfType type)
    {
        if (type.SizeOrType != 0)
            RequireSized(type, type.SizeOrType, "returns a type without size");
        var count = type.Vlen;
        for (var i = 0; i < count; i++)
        {
            var param = type.Params[i];
            var variadic = param.TypeId == 0 && i == count - 1;
            if (!blob.HasName(param.NameOffset) || !NameRules.IsOptionalIdentifier(blob, param.NameOffset) || (variadic && param.NameOffset != 0))
                findings.Add(BtfRule.Name, type, param.NameOffset, $"parameter {i} has a name it may not have");
            if (!variadic && !IsSized(param.TypeId))
                findings.Add(BtfRule.TypeId, type, param.TypeId, $"parameter {i} is of a type without size");
        }
    }

    private void CheckDatasec(in BtfType type)
    {
        foreach (var entry in type.DatasecEntries)
        {
            if (findings.Full)
                return;
            var variable = blob[entry.TypeId];
            if (variable.Kind != BtfKind.Var)
                findings.Add(BtfRule.DatasecEntry, type, entry.TypeId, "holds something else than a VAR");
            else if (entry.ByteSize < sizes[variable.Id])
                findings.Add(BtfRule.DatasecEntry, type, entry.ByteSize, $"gives '{variable.Name}' less room than its type needs");
        }
    }

    private void CheckDeclTag(in BtfType type)
    {
        var target = blob[type.SizeOrType];
        var components = target.Kind switch
        {
            BtfKind.Struct or BtfKind.Union => target.Vlen,
            BtfKind.Func => ParamCount(target),
            BtfKind.Var or BtfKind.Typedef => 0,
            _ => -1,
        };
        if (components < 0)
            findings.Add(BtfRule.TypeId, type, target.Id, $"is on a {target.Kind}");
        else if (type.ComponentIndex >= components)
            findings.Add(BtfRule.ComponentIndex, type, (ulong)type.ComponentIndex, $"is on a component of {components}");
    }

    private int ParamCount(in BtfType func) => blob[func.SizeOrType] is { Kind: BtfKind.FuncProto } prototype ? prototype.Vlen : 0;
}
