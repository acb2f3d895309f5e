using System.Security.Cryptography;
using Fuzz.Coverage;

namespace Fuzz;

/// <summary>The inputs that a worker mutates: those of the kept corpus, and what it found itself.</summary>
internal sealed class Corpus
{
    private readonly List<byte[]> _entries = [];

    public int Count => _entries.Count;

    public IReadOnlyList<byte[]> Entries => _entries;

    public void Add(byte[] input) => _entries.Add(input);

    /// <summary>Half of the time one of the latest finds, else any; the shorter of two.</summary>
    public byte[] Choose(Random random)
    {
        var (one, other) = (ChooseOne(random), ChooseOne(random));
        return one.Length <= other.Length ? one : other;
    }

    private byte[] ChooseOne(Random random)
    {
        var recent = Math.Min(_entries.Count, 64);
        return random.Next(2) == 0 ? _entries[random.Next(_entries.Count)] : _entries[^(random.Next(recent) + 1)];
    }

    /// <summary>The kept corpus and the crashers of a target.</summary>
    public static IEnumerable<byte[]> Kept(string target) =>
        FuzzFolders.FilesOf(FuzzFolders.CorpusOf(target)).Concat(FuzzFolders.FilesOf(FuzzFolders.CrashersOf(target))).Select(File.ReadAllBytes);

    /// <summary>
    /// Adds to the kept corpus what reaches something that nothing kept reaches, short inputs first, up to a number of bytes.
    /// </summary>
    public static int Keep(FuzzTarget target, IEnumerable<byte[]> found, long maxBytes)
    {
        var folder = Directory.CreateDirectory(FuzzFolders.CorpusOf(target.Name));
        var novelty = new Novelty();
        foreach (var input in Kept(target.Name))
            Reach(target, input, novelty);
        var room = maxBytes - folder.EnumerateFiles().Sum(file => file.Length);
        var added = 0;
        foreach (var input in found.OrderBy(input => input.Length))
        {
            if (input.Length > room || !Reach(target, input, novelty))
                continue;
            File.WriteAllBytes(Path.Combine(folder.FullName, NameOf(input)), input);
            room -= input.Length;
            added++;
        }
        return added;
    }

    public static void Save(IEnumerable<byte[]> found, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var input in found)
            File.WriteAllBytes(Path.Combine(folder, NameOf(input)), input);
    }

    public static string NameOf(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input).AsSpan(0, 8));

    /// <summary>How often a block ran does not count here: what is kept is to be small.</summary>
    private static bool Reach(FuzzTarget target, byte[] input, Novelty novelty)
    {
        var counts = BlockHits.Begin();
        var execution = Execution.Run(target, input);
        for (var i = 0; i < counts.Length; i++)
            counts[i] = Math.Min(counts[i], (byte)1);
        return novelty.Add(counts, execution.Signature);
    }
}
