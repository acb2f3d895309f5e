using Btf.Elf;

namespace Btf.CoRe;

/// <summary>One instruction of eight bytes (RFC 9669 §3). A 64-bit immediate load takes two, the second holding the upper half.</summary>
public readonly record struct BpfInstruction(byte Code, byte Destination, byte Source, short Offset, int Immediate)
{
    public const int ByteSize = 8;

    public BpfClass Class => (BpfClass)(Code & 7);

    /// <summary>Whether the second operand is a register.</summary>
    public bool UsesSourceRegister => (Code & 8) != 0;

    /// <summary>Of an arithmetic or jump instruction, its upper four bits.</summary>
    public byte Operation => (byte)(Code >> 4);

    public bool IsWideLoad => Code == 0x18;

    /// <summary>A jump of either width, calls and exit included.</summary>
    public bool IsJump => Class is BpfClass.Jmp or BpfClass.Jmp32;

    public bool IsCall => Code == 0x85;
    public bool IsExit => Code == 0x95;

    /// <summary>A call of a function of the program, not of the kernel (<c>BPF_PSEUDO_CALL</c>).</summary>
    public bool IsLocalCall => IsCall && Source == 1;

    /// <summary>Bytes that a load or store moves.</summary>
    public int AccessSize => (Code & 0x18) switch { 0x00 => 4, 0x08 => 2, 0x10 => 1, _ => 8 };

    internal static BpfInstruction Read(ReadOnlySpan<byte> bytes, EndianReader endian)
    {
        var (low, high) = ((byte)(bytes[1] & 0xf), (byte)(bytes[1] >> 4));
        var (destination, source) = endian.LittleEndian ? (low, high) : (high, low);
        return new(bytes[0], destination, source, (short)endian.U16(bytes[2..]), (int)endian.U32(bytes[4..]));
    }
}

/// <summary>The lower three bits of an instruction's code.</summary>
public enum BpfClass : byte
{
    Ld = 0,
    Ldx = 1,
    St = 2,
    Stx = 3,
    Alu = 4,
    Jmp = 5,
    Jmp32 = 6,
    Alu64 = 7,
}
