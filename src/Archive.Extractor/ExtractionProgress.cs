namespace Archive.Extractor;

/// <summary>What an extraction is busy with.</summary>
public enum ExtractionStage
{
    /// <summary>Reading the package up to the kernel image.</summary>
    Searching,

    /// <summary>Decoding the kernel image to the work folder.</summary>
    Unpacking,

    /// <summary>Making BTF of it.</summary>
    Converting,
}

/// <summary>How far an extraction has come. Reported on the extracting thread, about once a megabyte.</summary>
/// <param name="PackageBytes">Bytes read from the package.</param>
/// <param name="ImageBytes">Bytes of the kernel image that are unpacked.</param>
/// <param name="ImageSize">Bytes of the kernel image in all; 0 until it is found.</param>
public readonly record struct ExtractionProgress(ExtractionStage Stage, long PackageBytes, long ImageBytes, long ImageSize);
