namespace Archive.Crawler.Protocols;

/// <summary>An index is not what the protocol says; the message names file, line or element, and problem.</summary>
public class IndexFormatException(string message, Exception? inner = null) : Exception(message, inner);
