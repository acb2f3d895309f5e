namespace Archive.Api;

/// <summary>The program cannot start with these settings; the message names the setting and its value.</summary>
public sealed class ConfigurationException(string message) : Exception(message);
