using System.Text;

namespace Archive.Extractor.Dwarf;

/// <summary>The file names in the header of a unit's line number program (DWARF 5 §6.2.4; DWARF 2 to 4 §6.2.4).</summary>
internal static class LineTableFiles
{
    private const ulong ContentPath = 1, ContentDirectory = 2;

    /// <summary>Headers are a few kilobytes; one that claims more than this is not read.</summary>
    private const int MaxHeader = 4 << 20;

    /// <summary>What a byte of a header may become in memory, about: the shortest entries have two.</summary>
    private const int BytesOfEntry = 16;

    /// <summary>Paths by the number that DW_AT_decl_file gives; relative ones count from the unit's folder.</summary>
    /// <param name="room">Bytes that may still be spent on headers and paths: headers may overlap, and units share them.</param>
    /// <exception cref="DwarfFormatException">The header is malformed, or there is no room left.</exception>
    public static string[] Read(DebugSections sections, NameReader names, in UnitHeader unit, ulong offset, ref long room)
    {
        var start = sections.ReadLines(unit, offset, 64);
        if (start.Length < 16)
            return [];
        var length = HeaderLength(new DwarfReader(start, ".debug_line", (long)offset, sections.Endian), out var version);
        if (version is < 2 or > 5 || length > MaxHeader)
            return [];
        var bytes = sections.ReadLines(unit, offset, (int)length);
        room -= (long)BytesOfEntry * bytes.Length;
        var reader = new DwarfReader(bytes, ".debug_line", (long)offset, sections.Endian);
        SkipToTables(ref reader, version);
        var files = version == 5 ? ReadEntries(ref reader, sections, names, unit) : ReadOld(ref reader);
        room -= files.Sum(static file => file.Length);
        return room >= 0 ? files : throw reader.Error("file tables of units would be read again and again", (ulong)files.Length);
    }

    /// <summary>Bytes from the start of the program to the end of its header.</summary>
    private static long HeaderLength(DwarfReader reader, out ushort version)
    {
        var wide = reader.U32() == 0xffff_ffff;
        if (wide)
            reader.Skip(8);
        version = reader.U16();
        if (version >= 5)
            reader.Skip(2);
        var rest = reader.Word(wide ? 8 : 4);
        return (long)Math.Min(rest, MaxHeader) + reader.Position;
    }

    private static void SkipToTables(ref DwarfReader reader, ushort version)
    {
        var wide = reader.U32() == 0xffff_ffff;
        reader.Skip(wide ? 8u : 0);
        reader.Skip(version >= 5 ? 4u : 2);
        reader.Skip(wide ? 8u : 4);
        reader.Skip(version >= 4 ? 5u : 4);
        var opcodes = reader.U8();
        reader.Skip((ulong)Math.Max(0, opcodes - 1));
    }

    private static string[] ReadEntries(ref DwarfReader reader, DebugSections sections, NameReader names, in UnitHeader unit)
    {
        var directories = ReadTable(ref reader, sections, names, unit);
        var files = ReadTable(ref reader, sections, names, unit);
        return [.. files.Select(f => Join(f.Directory < (ulong)directories.Count && f.Directory != 0 ? directories[(int)f.Directory].Path : "", f.Path))];
    }

    private static List<(string Path, ulong Directory)> ReadTable(ref DwarfReader reader, DebugSections sections, NameReader names, in UnitHeader unit)
    {
        var formats = new (ulong Content, DwForm Form)[reader.U8()];
        for (var i = 0; i < formats.Length; i++)
            formats[i] = (reader.Uleb(), (DwForm)reader.Uleb());
        var count = reader.Uleb();
        // Forms without bytes would let a table of none go on for ever.
        if (count > (ulong)reader.Bytes.Length)
            throw reader.Error("more entries in a file table than bytes", count);
        var entries = new List<(string, ulong)>();
        for (ulong n = 0; n < count && formats.Length > 0; n++)
        {
            if (reader.AtEnd)
                throw reader.Error("file table cut off", count);
            var (path, directory) = ("", 0UL);
            foreach (var (content, form) in formats)
            {
                if (content == ContentPath)
                    path = ReadPath(ref reader, form, sections, names, unit);
                else if (content == ContentDirectory && form is DwForm.Udata or DwForm.Data1 or DwForm.Data2)
                    directory = form == DwForm.Udata ? reader.Uleb() : form == DwForm.Data1 ? reader.U8() : reader.U16();
                else
                    Skip(ref reader, form, unit);
            }
            entries.Add((path, directory));
        }
        return entries;
    }

    private static string ReadPath(ref DwarfReader reader, DwForm form, DebugSections sections, NameReader names, in UnitHeader unit)
    {
        switch (form)
        {
            case DwForm.String:
                var start = reader.Position;
                reader.SkipString();
                return Encoding.UTF8.GetString(reader.Bytes[start..(reader.Position - 1)]);
            case DwForm.LineStrp:
                return Encoding.UTF8.GetString(names.TextOf(new NameRef(NameRef.DebugLineStr | reader.Word(unit.OffsetSize)), default, 0));
            case DwForm.Strp:
                return Encoding.UTF8.GetString(names.TextOf(new NameRef(NameRef.DebugStr | reader.Word(unit.OffsetSize)), default, 0));
            default:
                Skip(ref reader, form, unit);
                return "";
        }
    }

    private static void Skip(ref DwarfReader reader, DwForm form, in UnitHeader unit)
    {
        var size = AbbrevTable.FixedSize(form, unit);
        if (size >= 0)
            reader.Skip((ulong)size);
        else if (form == DwForm.Block)
            reader.Skip(reader.Uleb());
        else if (form == DwForm.String)
            reader.SkipString();
        else if (form == DwForm.Udata)
            reader.Uleb();
        else
            throw reader.Error("unknown form in a file table", (ulong)form);
    }

    /// <summary>Up to DWARF 4: lists that end with an empty name; numbers count from 1.</summary>
    private static string[] ReadOld(ref DwarfReader reader)
    {
        var directories = new List<string> { "" };
        while (ReadString(ref reader) is { Length: > 0 } directory)
            directories.Add(directory);
        var files = new List<string> { "" };
        while (ReadString(ref reader) is { Length: > 0 } file)
        {
            var directory = reader.Uleb();
            reader.Uleb();
            reader.Uleb();
            files.Add(Join(directory < (ulong)directories.Count ? directories[(int)directory] : "", file));
        }
        return [.. files];
    }

    private static string ReadString(ref DwarfReader reader)
    {
        var start = reader.Position;
        reader.SkipString();
        return Encoding.UTF8.GetString(reader.Bytes[start..(reader.Position - 1)]);
    }

    private static string Join(string directory, string file) => directory.Length == 0 || file.StartsWith('/') ? file : $"{directory}/{file}";
}
