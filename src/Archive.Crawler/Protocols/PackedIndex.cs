using Archive.Extractor.Packages;

namespace Archive.Crawler.Protocols;

/// <summary>An index as repositories keep it, in any of the compressions. That it is signed does not say that it is no bomb.</summary>
internal static class PackedIndex
{
    /// <summary>Bytes that an index may expand to; Fedora's primary.xml has some 0.3 GB.</summary>
    private static readonly ExtractionLimits Limits = ExtractionLimits.Default with { MaxExpandedBytes = 8L << 30 };

    /// <param name="name">For errors.</param>
    /// <exception cref="Btf.MalformedInputException">By the stream: it does not decompress, or expands beyond the limits.</exception>
    public static Stream Open(Stream packed, string name) => new ExpansionGuard(Codecs.OpenDecoder(packed, name, DecoderOptions.Default), Limits);
}
