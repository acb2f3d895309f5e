using System.Text.RegularExpressions;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>What a booted system said.</summary>
internal sealed class BootLog(string text)
{
    /// <summary>A terminal's lines end with carriage returns.</summary>
    private readonly string _text = text.Replace("\r", "", StringComparison.Ordinal);

    /// <summary>Asserts that a line, or more than one, is like this.</summary>
    public void That(string pattern) => Assert.True(
        Regex.IsMatch(_text, pattern, RegexOptions.Multiline, TimeSpan.FromSeconds(10)), $"wanted: {pattern}\n{_text}");
}
