using System.Diagnostics;
using Archive.Extractor.Packages;

namespace Archive.Extractor.Commands;

/// <summary>One run of the command: from the input to the written output and a line about it.</summary>
internal sealed record ExtractJob(string Input, string Output, string WorkFolder, ConversionOptions Conversion)
{
    private const string TarballExtension = ".btf.tar.xz";

    public static ExtractJob Of(FileInfo input, FileInfo output, DirectoryInfo? work, ConversionOptions conversion) =>
        new(input.FullName, output.FullName, work?.FullName ?? output.DirectoryName!, conversion);

    /// <summary>Extracts, checks, writes; the summary of it.</summary>
    public string Run(IProgress<ExtractionProgress> progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var extractor = new KernelExtractor(WorkFolder, Conversion);
        var (packageUname, kernel) = extractor.ExtractFile(Input, progress, cancellation);
        PublicationChecks.Check(kernel, packageUname);
        var bytes = Pack(kernel);
        WriteAtomically(bytes);
        return Summary(kernel, bytes.Length, clock.Elapsed);
    }

    private byte[] Pack(ConvertedKernel kernel)
    {
        if (!Output.EndsWith(TarballExtension, StringComparison.Ordinal))
            return kernel.Bytes;
        var uname = kernel.Facts.Release ?? throw new ValidationException("uname: the image does not say it, and a tarball needs it");
        return BtfTarball.Pack(uname, kernel.Bytes, Conversion.Threads);
    }

    private void WriteAtomically(byte[] bytes)
    {
        var part = $"{Output}.{Environment.ProcessId}.part";
        try
        {
            File.WriteAllBytes(part, bytes);
            File.Move(part, Output, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    private string Summary(ConvertedKernel kernel, int written, TimeSpan elapsed)
    {
        using var self = Process.GetCurrentProcess();
        var types = kernel.TypeCounts.Values.Sum();
        return $"{Output}: {kernel.Facts.Release ?? "?"} {kernel.Facts.Arch}, from {kernel.Facts.TakenFrom.ToString().ToLowerInvariant()}"
            + $"{(kernel.Facts.BootImage is { } form ? $" of a boot image ({form})" : "")}, "
            + $"{types} types, {kernel.Bytes.Length} bytes ({written} written), {elapsed.TotalSeconds:f1} s, peak {self.PeakWorkingSet64 >> 20} MiB";
    }
}
