using System.Buffers.Binary;
using Btf.Format;

namespace Btf.Tests.Format;

public sealed class BtfFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("btf-file-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void OpensRawBtf() => Assert.Equal("int", BtfFile.Open(Save(BtfFixture.OfEveryKind().Bytes()))[1].Name);

    [Fact]
    public void OpensBtfSectionOfElf() => Assert.Equal("int", BtfFile.Open(Save(Elf(".BTF", BtfFixture.OfEveryKind().Bytes())))[1].Name);

    [Fact]
    public void RejectsElfWithoutBtf()
    {
        var path = Save(Elf(".text", [1, 2, 3]));

        Assert.Equal(".BTF", Assert.Throws<BtfFormatException>(() => BtfFile.Open(path)).Section);
    }

    [Fact]
    public void RejectsEmptyFile()
    {
        var path = Save([]);

        Assert.Throws<BtfFormatException>(() => BtfFile.Open(path));
    }

    private string Save(byte[] bytes)
    {
        var path = Path.Combine(_folder.FullName, Path.GetRandomFileName());
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>A 64-bit little-endian ELF file of one section beside its names (System V gABI, chapter 4).</summary>
    private static byte[] Elf(string name, byte[] content)
    {
        const int header = 64, sectionHeader = 64, sections = 3;
        byte[] names = [0, .. System.Text.Encoding.ASCII.GetBytes(name), 0, .. ".shstrtab\0"u8];
        var table = header + content.Length + names.Length;
        var elf = new byte[table + sections * sectionHeader];
        byte[] identity = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];
        identity.CopyTo(elf, 0);
        content.CopyTo(elf, header);
        names.CopyTo(elf, header + content.Length);

        void Put16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(at), (ushort)value);
        void Put32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(elf.AsSpan(at), value);
        void PutSection(int index, int nameOffset, int type, int offset, int size)
        {
            var at = table + index * sectionHeader;
            Put32(at, nameOffset);
            Put32(at + 4, type);
            Put32(at + 24, offset);
            Put32(at + 32, size);
            Put32(at + 48, 1);
        }

        Put16(16, 2); // ET_EXEC
        Put16(18, 62); // EM_X86_64
        Put32(20, 1);
        Put32(40, table);
        Put16(52, header);
        Put16(58, sectionHeader);
        Put16(60, sections);
        Put16(62, 2);
        PutSection(1, 1, 1, header, content.Length); // SHT_PROGBITS
        PutSection(2, name.Length + 2, 3, header + content.Length, names.Length); // SHT_STRTAB
        return elf;
    }
}
