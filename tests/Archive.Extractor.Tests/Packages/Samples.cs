using System.Formats.Tar;
using System.Text;

namespace Archive.Extractor.Tests.Packages;

/// <summary>Packages made for the tests, by dpkg-deb and by hand.</summary>
internal static class Samples
{
    public const string Uname = "6.1.0-56-cloud-amd64";
    public const string ImageEntry = $"./usr/lib/debug/boot/vmlinux-{Uname}";

    /// <summary>Bytes that compress to about half.</summary>
    public static byte[] Image(int length = 300_000)
    {
        var random = new Random(42);
        var image = new byte[length];
        for (var i = 0; i < length; i++)
            image[i] = (byte)random.Next(16);
        return image;
    }

    /// <summary>A debug package of the usual layout, as dpkg-deb makes it.</summary>
    public static byte[] Deb(Workspace workspace, string compression, byte[] image)
    {
        Directory.CreateDirectory(workspace.PathOf("p/DEBIAN"));
        Directory.CreateDirectory(workspace.PathOf("p/usr/lib/debug/boot"));
        Directory.CreateDirectory(workspace.PathOf("p/usr/lib/debug/lib/modules/" + Uname));
        File.WriteAllText(workspace.PathOf("p/DEBIAN/control"), "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m <m@m>\nDescription: d\n");
        File.WriteAllText(workspace.PathOf($"p/usr/lib/debug/boot/System.map-{Uname}"), "ffffffff81000000 T _text\n");
        File.WriteAllBytes(workspace.PathOf("p/" + ImageEntry), image);
        File.WriteAllBytes(workspace.PathOf($"p/usr/lib/debug/lib/modules/{Uname}/zram.ko"), new byte[2000]);
        workspace.Run("dpkg-deb", "--root-owner-group", $"-Z{compression}", "-b", "p", "p.deb");
        return File.ReadAllBytes(workspace.PathOf("p.deb"));
    }

    /// <summary>An ar archive of these members.</summary>
    public static byte[] Ar(params (string Name, byte[] Content)[] members)
    {
        using var ar = new MemoryStream();
        ar.Write("!<arch>\n"u8);
        foreach (var (name, content) in members)
        {
            ar.Write(Encoding.ASCII.GetBytes($"{name,-16}{0,-12}{0,-6}{0,-6}{100644,-8}{content.Length,-10}`\n"));
            ar.Write(content);
            if (content.Length % 2 != 0)
                ar.WriteByte((byte)'\n');
        }

        return ar.ToArray();
    }

    /// <summary>A package whose data member is these bytes.</summary>
    public static byte[] DebOf(byte[] data, string name = "data.tar") =>
        Ar(("debian-binary", "2.0\n"u8.ToArray()), ("control.tar", [1, 2, 3]), (name, data));

    public static byte[] Tar(TarEntryFormat format, params (string Name, byte[] Content)[] files)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, format, leaveOpen: true))
        {
            foreach (var (name, content) in files)
                writer.WriteEntry(Entry(format, name, content));
        }

        return tar.ToArray();
    }

    private static TarEntry Entry(TarEntryFormat format, string name, byte[] content)
    {
        TarEntry entry = format switch
        {
            TarEntryFormat.Gnu => new GnuTarEntry(TarEntryType.RegularFile, name),
            TarEntryFormat.Pax => new PaxTarEntry(TarEntryType.RegularFile, name),
            _ => new UstarTarEntry(TarEntryType.RegularFile, name),
        };
        entry.DataStream = new MemoryStream(content);
        return entry;
    }
}
