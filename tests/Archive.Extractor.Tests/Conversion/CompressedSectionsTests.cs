using TestKit;

namespace Archive.Extractor.Tests.Conversion;

/// <summary>DWARF in compressed sections converts to the same bytes.</summary>
public sealed class CompressedSectionsTests
{
    [Theory]
    [InlineData("zlib-gnu", "-nostdlib -static -Wl,-emain")]
    [InlineData("zlib", "-nostdlib -static -Wl,-emain")]
    [InlineData("zstd", "-nostdlib -static -Wl,-emain")]
    [InlineData("zlib-gnu", "-c")]
    [InlineData("zlib", "-c")]
    [InlineData("zstd", "-c")]
    public void CompressedDwarfGivesTheSameBytes(string method, string flags)
    {
        if (method == "zstd" && !Tool.Run("objcopy", "--help").Contains("zstd", StringComparison.Ordinal))
            return; // binutils before 2.40
        using var folder = new TempFolder();
        var (plain, compressed) = (folder.File("plain"), folder.File("compressed"));
        var source = folder.Write("source.c", """
            struct node { struct node *next; union { int number; float fraction; } value; enum { RED, GREEN } color; char text[16]; };
            struct node head;
            static __attribute__((noinline)) int depth(struct node *n, int at) { return n ? depth(n->next, at + 1) : at; }
            int main(void) { return depth(&head, 0); }
            """);
        Tool.Run("gcc", [.. flags.Split(' '), "-g", "-gz=none", "-o", plain, source]);
        Tool.Run("objcopy", $"--compress-debug-sections={method}", plain, compressed);
        Assert.NotEqual(File.ReadAllBytes(plain), File.ReadAllBytes(compressed));
        Assert.Equal(Convert(plain), Convert(compressed));
    }

    private static byte[] Convert(string path) => VmlinuxConverter.Convert(path, new ConversionOptions(BtfSource.Dwarf, 1)).Bytes;
}
