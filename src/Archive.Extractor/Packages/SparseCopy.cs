using Btf;
using Btf.Elf;

namespace Archive.Extractor.Packages;

/// <summary>
/// Copies an image out of a local package without the sections that nobody will read: the package's blocks that hold nothing else are not decoded,
/// and the copy has holes there.
/// </summary>
/// <param name="isWanted">Of each section of the image.</param>
/// <param name="copied">Told of every step, on the caller's thread; may throw.</param>
internal sealed class SparseCopy(SpooledImage target, PackedFile image, ImageBlocks blocks, Func<ElfImage, ElfSection, bool> isWanted, Action<long> copied)
{
    private const int HeaderBytes = 64;

    public void Run()
    {
        var position = Copy(image.Content, 0, Math.Min(HeaderBytes, image.Size));
        if (StartOfTail() is not { } tail)
        {
            Copy(image.Content, position, image.Size);
            return;
        }
        // What the sections are stands at the image's end: that is decoded beside its beginning.
        var gaps = Task.Run(() => CopyTail(tail));
        try
        {
            position = Copy(image.Content, position, blocks.EndOfFirst);
            CopyAround(gaps.GetAwaiter().GetResult(), position, tail);
            copied(image.Size - tail);
        }
        finally
        {
            gaps.ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
        }
    }

    private void CopyAround(List<(long Start, long End)> gaps, long position, long end)
    {
        var isForward = true;
        foreach (var gap in gaps.Where(g => g.End > position).Append((Start: end, End: end)))
        {
            if (isForward)
            {
                var last = Math.Max(position, gap.Start);
                blocks.EndForwardReading(last);
                Copy(image.Content, position, last);
                blocks.Finish(image.Content, last);
            }
            else if (position < gap.Start)
            {
                using var part = blocks.Open(position, gap.Start);
                Copy(part, position, gap.Start);
                blocks.Finish(part, gap.Start);
            }
            copied(gap.End - Math.Max(position, gap.Start));
            (position, isForward) = (gap.End, false);
        }
    }

    /// <summary>Where the block begins that the section table is in; null where there is nothing to gain.</summary>
    private long? StartOfTail()
    {
        try
        {
            var table = ReadHeader().SectionTableOffset;
            return table > 0 && table < image.Size && blocks.BlockOf(table).Start is var start && start > blocks.EndOfFirst ? start : null;
        }
        catch (ElfFormatException)
        {
            return null; // Whoever converts the image tells it.
        }
    }

    private List<(long Start, long End)> CopyTail(long tail)
    {
        using (var content = blocks.Open(tail, image.Size))
        {
            target.Write(content, tail, image.Size, static _ => { });
            blocks.Finish(content, image.Size);
        }
        try
        {
            using var elf = ElfImage.Open(target.Path);
            return Gaps(elf, tail);
        }
        catch (ElfFormatException)
        {
            return [];
        }
    }

    /// <summary>Between the sections that are wanted, up to the tail, where they spare a block.</summary>
    private List<(long Start, long End)> Gaps(ElfImage elf, long tail)
    {
        var gaps = new List<(long, long)>();
        var wanted = elf.Sections.Where(s => s.HasBytes && isWanted(elf, s)).OrderBy(static s => s.Offset).ToList();
        var end = wanted.Count > 0 ? wanted[0].Offset : tail;
        foreach (var (offset, size) in wanted.Select(static s => (s.Offset, s.Size)).Append((tail, 0)))
        {
            if (blocks.HaveOneWithin(end, Math.Min(offset, tail)))
                gaps.Add((end, Math.Min(offset, tail)));
            end = Math.Max(end, offset + size);
        }
        return gaps;
    }

    private ElfHeader ReadHeader()
    {
        using var source = ByteSource.Open(target.Path);
        return new ElfHeader(source);
    }

    private long Copy(Stream content, long position, long end) => target.Write(content, position, end, copied);
}
