using System.CommandLine;
using Archive.Api.Content;

namespace Archive.Api.Commands;

/// <summary><c>bulk unpack FILE FOLDER</c>: raw BTF of each kernel of a series, as <c>{distro}/{version}/{arch}/{uname}.btf</c>.</summary>
internal static class BulkCommand
{
    private const string StandardInput = "-";

    /// <param name="guard">Turns failures into messages and exit statuses.</param>
    public static Command Create(Func<Func<Task>, CancellationToken, Task<int>> guard)
    {
        var file = new Argument<string>("file") { Description = "A series (/v1/bulk?format=series); - for standard input." };
        var folder = new Argument<string>("folder") { Description = "Folder that takes the BTF." };
        var unpack = new Command("unpack", "Make raw BTF of a series again, every kernel compared with its digest.") { file, folder };
        unpack.SetAction((parsed, cancellation) => guard(() => UnpackAsync(parsed.GetRequiredValue(file), parsed.GetRequiredValue(folder), cancellation), cancellation));
        return new Command("bulk", "Bulk downloads.") { unpack };
    }

    private static async Task UnpackAsync(string file, string folder, CancellationToken cancellation)
    {
        await using var source = file == StandardInput ? Console.OpenStandardInput() : File.OpenRead(file);
        var count = 0;
        foreach (var (member, btf) in SeriesFile.Read(source))
        {
            var path = Path.Combine(folder, $"{member.Key}.btf");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path + ".part", btf, cancellation);
            File.Move(path + ".part", path, overwrite: true);
            count++;
        }
        Console.WriteLine($"{count} kernels, each of its digest");
    }
}
