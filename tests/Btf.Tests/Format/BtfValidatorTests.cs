using Btf.Format;
using Btf.Format.Validation;
using TestKit;

namespace Btf.Tests.Format;

/// <summary>
/// Each rule by the smallest BTF that breaks it. Where the process may ask (root), the kernel must refuse the same bytes,
/// unless the rule is ours alone.
/// </summary>
public sealed class BtfValidatorTests
{
    [Fact]
    public void AcceptsEveryKindAsTheKernelDoes()
    {
        var btf = BtfFixture.OfEveryKind();

        Assert.Empty(BtfValidator.Check(btf.Blob()));
        Assert.Empty(BtfValidator.CheckDeduplicated(btf.Blob()));
        if (Environment.IsPrivilegedProcess)
            Assert.Equal("", KernelVerifier.Load(btf.Bytes()).Log);
    }

    [Fact]
    public void RejectsGapBetweenSections()
    {
        var bytes = BtfFixture.OfEveryKind().Bytes();
        byte[] padded = [.. bytes, 0];

        RejectsBytes(BtfRule.Layout, padded);
    }

    [Fact]
    public void RejectsBtfWithoutTypes() => Rejects(BtfRule.Layout, _ => { });

    [Fact]
    public void RejectsUnknownInfoBits() => Rejects(BtfRule.TypeInfo, btf => btf.Words(0, BtfFixture.Info(BtfKind.Ptr, 0x1_0000), 0));

    [Fact]
    public void RejectsVlenOnPointer() => Rejects(BtfRule.TypeInfo, btf => btf.Type(BtfKind.Ptr, vlen: 1));

    [Fact]
    public void RejectsKindFlagOnArray() =>
        Rejects(BtfRule.TypeInfo, btf => btf.Type(BtfKind.Array, flag: true, trailing: [btf.Int(), 1, 1]));

    [Fact]
    public void RejectsNameOffsetPastTheStrings() =>
        Rejects(BtfRule.Name, btf => btf.Words(100, BtfFixture.Info(BtfKind.Struct, 0), 0));

    [Fact]
    public void RejectsStructNameThatIsNoIdentifier() => Rejects(BtfRule.Name, btf => btf.Struct("a b", 0));

    [Fact]
    public void RejectsNameThatStartsWithDigit() => Rejects(BtfRule.Name, btf => btf.Struct("1st", 0));

    [Fact]
    public void RejectsNameLongerThanTheKernelKeeps() => Rejects(BtfRule.Name, btf => btf.Struct(new string('x', 513), 0));

    [Fact]
    public void RejectsNamedPointer() => Rejects(BtfRule.Name, btf => btf.Type(BtfKind.Ptr, "p"));

    [Fact]
    public void RejectsTypedefWithoutName() => Rejects(BtfRule.Name, btf => btf.Type(BtfKind.Typedef, sizeOrType: btf.Int()));

    [Fact]
    public void RejectsForwardWithoutName() => Rejects(BtfRule.Name, btf => btf.Type(BtfKind.Fwd));

    [Fact]
    public void RejectsMemberNameThatIsNoIdentifier() => Rejects(BtfRule.Name, btf => btf.Struct("s", 4, ("a-b", btf.Int(), 0)));

    [Fact]
    public void RejectsEnumeratorWithoutName() => Rejects(BtfRule.Name, btf => btf.Enum("e", 4, ("", 1)));

    [Fact]
    public void RejectsSectionNameWithControlCharacter() =>
        Rejects(BtfRule.Name, btf => btf.Datasec(".da\nta", 4, (Variable(btf), 0, 4)));

    [Fact]
    public void RejectsTypeTagWithoutName() => Rejects(BtfRule.Name, btf => btf.Type(BtfKind.TypeTag, sizeOrType: btf.Int()));

    [Fact]
    public void RejectsTypeIdOutOfRange() => Rejects(BtfRule.TypeId, btf => btf.Type(BtfKind.Ptr, sizeOrType: 9));

    [Fact]
    public void RejectsMemberOfVoid() => Rejects(BtfRule.TypeId, btf => btf.Struct("s", 4, ("m", 0, 0)));

    [Fact]
    public void RejectsArrayWithoutElementType() => Rejects(BtfRule.TypeId, btf => btf.Array(0, btf.Int(), 1));

    [Fact]
    public void RejectsVariableOfVoid() => Rejects(BtfRule.TypeId, btf => btf.Type(BtfKind.Var, "v", trailing: [0]));

    [Fact]
    public void RejectsIntOfMoreBitsThanItsSize() => Rejects(BtfRule.Size, btf => btf.Int(size: 4, bits: 33));

    [Fact]
    public void RejectsIntOfMoreThan128Bits() => Rejects(BtfRule.IntEncoding, btf => btf.Int(size: 32, bits: 129));

    [Fact]
    public void RejectsIntOfTwoEncodings() => Rejects(BtfRule.IntEncoding, btf => btf.Int(encoding: 3));

    [Fact]
    public void RejectsUnknownIntBits() => Rejects(BtfRule.IntEncoding, btf => btf.Int(encoding: 0x10));

    [Fact]
    public void RejectsFloatOfOddSize() => Rejects(BtfRule.Size, btf => btf.Type(BtfKind.Float, "f", sizeOrType: 10));

    [Fact]
    public void RejectsEnumOfOddSize() => Rejects(BtfRule.Size, btf => btf.Enum("e", 3));

    [Fact]
    public void RejectsArrayWithSize() => Rejects(BtfRule.Size, btf => btf.Type(BtfKind.Array, sizeOrType: 4, trailing: [btf.Int(), 1, 1]));

    [Fact]
    public void RejectsArrayOfMoreThan4GiB() => Rejects(BtfRule.Size, btf => btf.Array(btf.Int(), 1, 0x4000_0000));

    [Fact]
    public void RejectsArrayIndexedByPointer() =>
        Rejects(BtfRule.TypeId, btf => btf.Array(btf.Int(), btf.Type(BtfKind.Ptr, sizeOrType: 1), 1));

    [Fact]
    public void RejectsArrayOfFunctions() => Rejects(BtfRule.TypeId, btf => btf.Array(btf.Prototype(0), btf.Int(), 1));

    [Fact]
    public void RejectsMembersOutOfOrder() =>
        Rejects(BtfRule.MemberOffset, btf => btf.Struct("s", 8, ("a", btf.Int(), 32), ("b", 1, 0)));

    [Fact]
    public void RejectsUnionMemberOffZero() =>
        Rejects(BtfRule.MemberOffset, btf => btf.Composite(BtfKind.Union, "u", 8, false, ("a", btf.Int(), 32)));

    [Fact]
    public void RejectsMemberThatStartsPastTheEnd() => Rejects(BtfRule.MemberOffset, btf => btf.Struct("s", 4, ("a", btf.Int(), 64)));

    [Fact]
    public void RejectsMemberThatEndsPastTheEnd() => Rejects(BtfRule.MemberOffset, btf => btf.Struct("s", 4, ("a", btf.Int(), 16)));

    [Fact]
    public void RejectsPointerMemberOffTheByte() =>
        Rejects(BtfRule.MemberOffset, btf => btf.Struct("s", 16, ("p", btf.Type(BtfKind.Ptr), 4)));

    [Fact]
    public void RejectsMisalignedFloatMember() =>
        Rejects(BtfRule.MemberOffset, btf => btf.Struct("s", 16, ("f", btf.Type(BtfKind.Float, "double", sizeOrType: 8), 8)));

    [Fact]
    public void RejectsWholeMemberOffTheByteInKindFlagStruct() =>
        Rejects(BtfRule.MemberOffset, btf => btf.Composite(BtfKind.Struct, "s", 16, true, ("a", btf.Int(), 4)));

    [Fact]
    public void RejectsBitfieldWiderThanItsType() =>
        Rejects(BtfRule.BitfieldSize, btf => btf.Composite(BtfKind.Struct, "s", 16, true, ("a", btf.Int(), 33u << 24)));

    [Fact]
    public void RejectsBitfieldOfPointer() =>
        Rejects(BtfRule.BitfieldSize, btf => btf.Composite(BtfKind.Struct, "s", 16, true, ("p", btf.Type(BtfKind.Ptr), 3u << 24)));

    [Fact]
    public void RejectsBitfieldOfIrregularInt() =>
        Rejects(BtfRule.BitfieldSize, btf => btf.Composite(BtfKind.Struct, "s", 16, true, ("a", btf.Int(bits: 7), 3u << 24)));

    [Fact]
    public void RejectsMemberOfForwardType() =>
        Rejects(BtfRule.TypeId, btf => btf.Struct("s", 16, ("a", btf.Type(BtfKind.Fwd, "f"), 0)));

    [Fact]
    public void RejectsFunctionWithoutPrototype() => Rejects(BtfRule.TypeId, btf => btf.Type(BtfKind.Func, "f", sizeOrType: btf.Int()));

    [Fact]
    public void RejectsExternFunction() =>
        Rejects(BtfRule.Linkage, btf => btf.Type(BtfKind.Func, "f", vlen: 2, sizeOrType: btf.Prototype(0)));

    [Fact]
    public void RejectsExternVariable() => Rejects(BtfRule.Linkage, btf => btf.Type(BtfKind.Var, "v", sizeOrType: btf.Int(), trailing: [2]));

    [Fact]
    public void RejectsFunctionParameterWithoutName() =>
        Rejects(BtfRule.Name, btf => btf.Type(BtfKind.Func, "f", sizeOrType: btf.Prototype(0, ("", btf.Int()))));

    [Fact]
    public void RejectsVariadicParameterBeforeTheLast() =>
        Rejects(BtfRule.TypeId, btf => btf.Prototype(0, ("", 0), ("a", btf.Int())));

    [Fact]
    public void RejectsNamedVariadicParameter() => Rejects(BtfRule.Name, btf => btf.Prototype(0, ("rest", 0)));

    [Fact]
    public void RejectsPrototypeThatReturnsForwardType() =>
        Rejects(BtfRule.TypeId, btf => btf.Prototype(btf.Type(BtfKind.Fwd, "f")));

    [Fact]
    public void RejectsPointerToFunctionInsteadOfPrototype() =>
        Rejects(BtfRule.TypeId, btf =>
        {
            btf.Type(BtfKind.Ptr, sizeOrType: 2);
            btf.Type(BtfKind.Func, "f", sizeOrType: 3);
            btf.Prototype(0);
        });

    [Fact]
    public void RejectsDatasecWithoutSize() => Rejects(BtfRule.Size, btf => btf.Datasec(".data", 0));

    [Fact]
    public void RejectsOverlappingVariables() =>
        Rejects(BtfRule.DatasecEntry, btf => btf.Datasec(".data", 8, (Variable(btf), 0, 4), (Variable(btf), 2, 4)));

    [Fact]
    public void RejectsVariablePastTheSection() => Rejects(BtfRule.DatasecEntry, btf => btf.Datasec(".data", 4, (Variable(btf), 2, 4)));

    [Fact]
    public void RejectsVariableOfNoSize() => Rejects(BtfRule.DatasecEntry, btf => btf.Datasec(".data", 4, (Variable(btf), 0, 0)));

    [Fact]
    public void RejectsVariableWithLessRoomThanItsType() =>
        Rejects(BtfRule.DatasecEntry, btf => btf.Datasec(".data", 4, (Variable(btf), 0, 2)));

    [Fact]
    public void RejectsDatasecOfTypes() => Rejects(BtfRule.DatasecEntry, btf => btf.Datasec(".data", 4, (btf.Int(), 0, 4)));

    [Fact]
    public void RejectsDeclTagOnPointer() =>
        Rejects(BtfRule.TypeId, btf => btf.Type(BtfKind.DeclTag, "t", sizeOrType: btf.Type(BtfKind.Ptr), trailing: [uint.MaxValue]));

    [Fact]
    public void RejectsDeclTagOnMemberThatIsNotThere() =>
        Rejects(BtfRule.ComponentIndex, btf => btf.Type(BtfKind.DeclTag, "t", sizeOrType: btf.Struct("s", 4, ("a", btf.Int(), 0)), trailing: [1]));

    [Fact]
    public void RejectsComponentIndexBelowMinusOne() =>
        Rejects(BtfRule.ComponentIndex, btf => btf.Type(BtfKind.DeclTag, "t", sizeOrType: btf.Struct("s", 0), trailing: [0xffff_fffe]));

    [Fact]
    public void RejectsModifierBeforeTypeTag() =>
        Rejects(BtfRule.TagOrder, btf => btf.Type(BtfKind.Const, sizeOrType: btf.Type(BtfKind.TypeTag, "t", sizeOrType: btf.Int())));

    [Fact]
    public void RejectsStructThatContainsItself() => Rejects(BtfRule.Cycle, btf => btf.Struct("s", 4, ("s", 1, 0)));

    [Fact]
    public void RejectsStructThatContainsItselfThroughArray() => Rejects(BtfRule.Cycle, btf =>
    {
        btf.Struct("s", 4, ("a", 2, 0));
        btf.Array(1, 3, 1);
        btf.Int();
    });

    [Fact]
    public void RejectsLoopOfModifiers() => Rejects(BtfRule.Cycle, btf =>
    {
        btf.Type(BtfKind.Const, sizeOrType: 2);
        btf.Type(BtfKind.Volatile, sizeOrType: 1);
    });

    [Fact]
    public void RejectsPointerToItself() => Rejects(BtfRule.Cycle, btf => btf.Type(BtfKind.Ptr, sizeOrType: 1));

    [Fact]
    public void RejectsChainDeeperThanKernelsFollow() => Rejects(BtfRule.Cycle, btf =>
    {
        for (var id = 1u; id <= 40; id++)
            btf.Type(BtfKind.Ptr, sizeOrType: id + 1);
        btf.Int();
    });

    [Fact]
    public void RejectsNestingDeeperThanKernelsResolve() => Rejects(BtfRule.Cycle, btf =>
    {
        for (var id = 1u; id <= 40; id++)
            btf.Struct($"s{id}", 4, ("m", id + 1, 0));
        btf.Int();
    });

    [Fact]
    public void RejectsCycleWithoutNameWhereTheKernelDoesNot() => Rejects(BtfRule.Cycle, btf =>
    {
        btf.Struct("", 8, ("next", 2, 0));
        btf.Type(BtfKind.Ptr, sizeOrType: 1);
    }, kernelToo: false);

    [Fact]
    public void AcceptsStructThatPointsToItself()
    {
        var btf = new BtfFixture();
        btf.Struct("list", 8, ("next", 2, 0));
        btf.Type(BtfKind.Ptr, sizeOrType: 1);

        Assert.Empty(BtfValidator.Check(btf.Blob()));
    }

    /// <summary>The kernel reads the enum as four bytes there, and refuses what compilers make of a packed enum.</summary>
    [Fact]
    public void AcceptsSmallEnumAtTheEndOfKindFlagStruct()
    {
        var btf = new BtfFixture();
        btf.Composite(BtfKind.Struct, "s", 1, true, ("color", btf.Enum("e", 1, ("RED", 0)), 0));

        Assert.Empty(BtfValidator.Check(btf.Blob()));
    }

    [Fact]
    public void AcceptsFourBytePointersOf32BitKernels()
    {
        var btf = new BtfFixture();
        btf.Int("long int", size: 4);
        btf.Struct("list", 4, ("next", btf.Type(BtfKind.Ptr), 0));

        Assert.Empty(BtfValidator.Check(btf.Blob()));
    }

    [Fact]
    public void FindsTypeThatIsThereTwice()
    {
        var btf = new BtfFixture();
        var first = btf.Type(BtfKind.Ptr, sizeOrType: 0);
        var second = btf.Type(BtfKind.Ptr, sizeOrType: 0);

        var finding = Assert.Single(BtfValidator.CheckDeduplicated(btf.Blob()));

        Assert.Equal((BtfRule.Duplicate, second, first), (finding.Rule, finding.TypeId, finding.Value));
    }

    [Fact]
    public void FindsStringThatIsStoredTwice()
    {
        var btf = new BtfFixture();
        btf.AddString("same");
        btf.AddString("same");
        btf.Int();

        Assert.Equal(BtfRule.Duplicate, Assert.Single(BtfValidator.CheckDeduplicated(btf.Blob())).Rule);
    }

    [Fact]
    public void ThrownFindingNamesTypeAndValue()
    {
        var btf = new BtfFixture();
        btf.Type(BtfKind.Ptr, sizeOrType: 9);

        var failure = Assert.Throws<BtfFormatException>(() => BtfValidator.Validate(btf.Blob()));

        Assert.Equal(("BTF type 1", 9ul), (failure.Section, failure.Value));
    }

    private static uint Variable(BtfFixture btf) => btf.Type(BtfKind.Var, "v", sizeOrType: btf.Int(), trailing: [0]);

    private static void Rejects(BtfRule rule, Action<BtfFixture> build, bool kernelToo = true)
    {
        var btf = new BtfFixture();
        build(btf);
        RejectsBytes(rule, btf.Bytes(), kernelToo);
    }

    private static void RejectsBytes(BtfRule rule, byte[] bytes, bool kernelToo = true)
    {
        var findings = BtfValidator.Check(BtfBlob.Parse(bytes));

        Assert.Contains(rule, findings.Select(finding => finding.Rule));
        if (Environment.IsPrivilegedProcess)
            Assert.Equal(!kernelToo, KernelVerifier.Load(bytes).Accepted);
    }

    [Fact]
    public void PrototypesOfSplitBtfTakeTypesOfTheBase()
    {
        var baseBtf = BtfFixture.OfEveryKind().Blob();
        var sized = new List<uint>();
        foreach (var type in baseBtf.Types)
        {
            if (type.Kind is BtfKind.Int or BtfKind.Ptr or BtfKind.Array or BtfKind.Typedef or BtfKind.Union or BtfKind.Enum64)
                sized.Add(type.Id);
        }
        var module = new BtfFixture(firstId: baseBtf.EndId, firstNameOffset: baseBtf.EndNameOffset);
        module.Prototype(sized[0], [.. sized.Select((id, i) => ($"p{i}", id))]);
        Assert.Empty(BtfValidator.Check(module.Blob(baseBtf)));
    }

    [Fact]
    public void PrototypesOfSplitBtfCannotTakeWhatHasNoSizeInTheBase()
    {
        var baseBtf = BtfFixture.OfEveryKind().Blob();
        var module = new BtfFixture(firstId: baseBtf.EndId, firstNameOffset: baseBtf.EndNameOffset);
        module.Prototype(0, ("opaque", baseBtf.Find(BtfKind.Fwd, "opaque")!.Value.Id));
        Assert.Single(BtfValidator.Check(module.Blob(baseBtf)));
    }
}
