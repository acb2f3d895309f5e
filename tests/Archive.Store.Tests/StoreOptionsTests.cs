namespace Archive.Store.Tests;

public sealed class StoreOptionsTests
{
    [Theory]
    [InlineData(null, CatalogueKind.Sqlite)]
    [InlineData("sqlite", CatalogueKind.Sqlite)]
    [InlineData("Postgres", CatalogueKind.Postgres)]
    public void TheCatalogueIsChosenByName(string? name, CatalogueKind kind) =>
        Assert.Equal(kind, Read(name, "Host=db").Catalogue);

    [Theory]
    [InlineData("mysql", "Host=db", "'mysql'")]
    [InlineData("postgres", null, "names no Host")]
    [InlineData("postgres", "Database=x", "names no Host")]
    [InlineData("postgres", "Host=db;Colour=blue", "cannot be read")]
    public void WhatIsWrongIsNamed(string name, string? connection, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => Read(name, connection)).Message, StringComparison.Ordinal);

    [Fact]
    public void NoMessageHasThePassword() =>
        Assert.DoesNotContain("secret", Assert.Throws<FormatException>(() => Read("postgres", "Password=secret;Port=many")).ToString(), StringComparison.Ordinal);

    private static StoreOptions Read(string? catalogue, string? connection) =>
        StoreOptions.Read("data", name => name == "Catalogue" ? catalogue : name == "ConnectionStrings:Catalogue" ? connection : null);
}
