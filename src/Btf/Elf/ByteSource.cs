using Microsoft.Win32.SafeHandles;

namespace Btf.Elf;

/// <summary>
/// Random access to the bytes of an image, from a file or from memory. A file is read, not mapped: the parts that are
/// needed are a fraction of a kernel image, mapped pages would count as ours, and a file that shrinks under a mapping
/// kills the process.
/// </summary>
internal sealed class ByteSource : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly ReadOnlyMemory<byte> _memory;

    private ByteSource(SafeFileHandle? file, ReadOnlyMemory<byte> memory, long length)
    {
        _file = file;
        _memory = memory;
        Length = length;
    }

    public long Length { get; }

    public static ByteSource Open(string path)
    {
        var file = File.OpenHandle(path, options: FileOptions.RandomAccess);
        return new ByteSource(file, default, RandomAccess.GetLength(file));
    }

    public static ByteSource Over(ReadOnlyMemory<byte> bytes) => new(null, bytes, bytes.Length);

    /// <summary>Fills <paramref name="into"/> from <paramref name="offset"/>; safe from several threads.</summary>
    /// <exception cref="ElfFormatException">The range reaches past the end.</exception>
    public void Read(long offset, Span<byte> into)
    {
        if (offset < 0 || offset > Length - into.Length)
            throw new ElfFormatException("file", offset, (ulong)into.Length, $"read past the end at {Length} bytes");
        if (_file is null)
        {
            _memory.Span.Slice((int)offset, into.Length).CopyTo(into);
            return;
        }
        while (!into.IsEmpty)
        {
            var read = RandomAccess.Read(_file, into, offset);
            if (read == 0)
                throw new ElfFormatException("file", offset, (ulong)into.Length, "the file shrank while it was read");
            offset += read;
            into = into[read..];
        }
    }

    public void Dispose() => _file?.Dispose();
}
