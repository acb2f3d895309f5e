using System.Reflection;
using Archive.Api.Objects;
using Archive.Crawler.Scheduling;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>The table of settings is complete.</summary>
public sealed class SettingsTableTests
{
    private static readonly string Table = string.Join('\n', File.ReadLines(Path.Combine(Checkout.Root, "README.md")).SkipWhile(l => l != "### Settings").Skip(1).TakeWhile(l => !l.StartsWith('#')).Where(l => l.StartsWith('|')));

    public static TheoryData<string> Settings() =>
    [
        .. Of(typeof(ApiOptions), ""), .. Of(typeof(ObjectOptions), "Objects:"),
        "Crawler:SourcesFolder", .. Of(typeof(SourceOptions), "Crawler:Sources:debian:"),
        "Urls", "Logging:Format", "Logging:File",
    ];

    [Theory]
    [MemberData(nameof(Settings))]
    public void EverySettingStandsInTheTable(string setting)
    {
        var names = (string[])[$"`{setting}`", $"`…:{setting[(setting.LastIndexOf(':') + 1)..]}`", $"`{setting}:NAME`"];
        Assert.Contains(names, name => Table.Contains(name, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Of(Type options, string prefix) => options.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(p => p.CanWrite)
        .SelectMany(p => p.PropertyType.Namespace!.StartsWith("Archive.", StringComparison.Ordinal) && p.PropertyType.IsClass ? Of(p.PropertyType, prefix + p.Name + ":") : [prefix + p.Name]);
}
