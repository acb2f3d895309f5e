using System.Diagnostics;

namespace TestKit;

/// <summary>
/// Where real input is kept between runs: <c>BTF_ARCHIVE_TEST_CACHE</c>, by default <c>~/.cache/btf-archive-tests</c>. Test
/// projects run side by side and share it.
/// </summary>
public static class TestCache
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(20);

    public static string Root { get; } = Environment.GetEnvironmentVariable("BTF_ARCHIVE_TEST_CACHE") is { Length: > 0 } set ? set
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "btf-archive-tests");

    public static string Folder(params string[] names) => Directory.CreateDirectory(Path.Combine([Root, .. names])).FullName;

    /// <summary>Runs something that no one else may do meanwhile. Does not nest.</summary>
    public static T Locked<T>(Func<T> action)
    {
        var path = Path.Combine(Folder(), ".lock");
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return action();
            }
            catch (IOException e) when (e.GetType() == typeof(IOException) && clock.Elapsed < Limit)
            {
                Thread.Sleep(200);
            }
        }
    }

    /// <summary>A folder that is made once, as a whole, and takes the place of what an earlier key left behind.</summary>
    /// <param name="name">Below the cache.</param>
    /// <param name="key">Changes when what is made would be another.</param>
    /// <param name="make">Fills the folder that it is given.</param>
    public static string Made(string name, string key, Action<string> make) => Locked(() =>
    {
        var parent = Folder(name);
        var folder = Path.Combine(parent, key);
        if (Directory.Exists(folder))
            return folder;
        foreach (var old in Directory.EnumerateDirectories(parent))
            Directory.Delete(old, recursive: true);
        make(Directory.CreateDirectory(folder + ".tmp").FullName);
        Directory.Move(folder + ".tmp", folder);
        return folder;
    });
}
