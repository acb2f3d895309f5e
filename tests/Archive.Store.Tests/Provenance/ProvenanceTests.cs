using System.Text;
using System.Text.Json;
using Archive.Store.Provenance;
using Archive.Store.Tests.Catalogue;

namespace Archive.Store.Tests.Provenance;

public sealed class ProvenanceTests
{
    private static readonly ProvenanceDocument Document = new()
    {
        Kernel = ProvenanceKernel.Of(Samples.Build().Key),
        Package = ProvenancePackage.Of(Samples.Build()),
        Index = new ProvenanceIndex(new Uri("http://mirror.example/debian/dists/bookworm/InRelease"), Samples.Digest('i'), true, ["4CB50190207B4758A3F73A796ED0E7B82643E131"]),
        Image = new ProvenanceImage { BuildId = "build-a", Banner = "Linux version 6.1.0 <x> & \"y\" ~ +", Producer = "GNU C11 12.2.0", DwarfVersion = 5, ShipsBtf = true },
        Conversion = new ProvenanceConversion("dwarf", "btf-archive", "0.1.0", new Dictionary<string, string> { ["z"] = "1", ["a"] = "2" }),
        TypeCounts = new Dictionary<string, int> { ["STRUCT"] = 2, ["ARRAY"] = 1 },
        Forms = new ProvenanceForms(Samples.Publication().Raw, Samples.Publication().Tarball),
    };

    [Fact]
    public void TheBytesAreTheseAndStayThese()
    {
        const string expected = """
            {
              "schema_version": 1,
              "kernel": {
                "distro": "debian",
                "version": "12",
                "arch": "x86_64",
                "uname": "6.1.0-56-cloud-amd64"
              },
              "package": {
                "url": "http://mirror.example/debian/pool/main/l/linux/linux-image+dbg_6.1~1_amd64.deb",
                "name": "linux-image-6.1.0-56-cloud-amd64-dbg",
                "version": "6.1.171-1",
                "sha256": "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
                "size": 5000000000
              },
              "index": {
                "url": "http://mirror.example/debian/dists/bookworm/InRelease",
                "sha256": "iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii",
                "is_verified": true,
                "key_fingerprints": [
                  "4CB50190207B4758A3F73A796ED0E7B82643E131"
                ]
              },
              "image": {
                "build_id": "build-a",
                "banner": "Linux version 6.1.0 <x> & \"y\" ~ +",
                "producer": "GNU C11 12.2.0",
                "dwarf_version": 5,
                "ships_btf": true
              },
              "conversion": {
                "taken_from": "dwarf",
                "converter_name": "btf-archive",
                "converter_version": "0.1.0",
                "options": {
                  "a": "2",
                  "z": "1"
                }
              },
              "type_counts": {
                "ARRAY": 1,
                "STRUCT": 2
              },
              "forms": {
                "raw": {
                  "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "size": 5000000001
                },
                "tarball": {
                  "sha256": "tar-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "size": 2
                }
              }
            }

            """;
        Assert.Equal(expected, Encoding.UTF8.GetString(ProvenanceJson.Write(Document)));
    }

    [Fact]
    public void TheCatalogueCanBeRebuiltFromIt()
    {
        var read = ProvenanceJson.Read(ProvenanceJson.Write(Document));
        var published = Samples.Publication();
        Assert.Equal(Samples.Build(), read.ToBuild());
        Assert.Equal(published, read.ToPublication(published.Provenance, published.PublishedAt));
    }

    [Fact]
    public void WhatIsReadIsWrittenAlike()
    {
        var bytes = ProvenanceJson.Write(Document with { Index = null, Image = new ProvenanceImage { ShipsBtf = false } });
        Assert.Equal(bytes, ProvenanceJson.Write(ProvenanceJson.Read(bytes)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"schema_version\": 1, \"kernel\": null}")]
    public void WhatIsNoProvenanceIsRefused(string text) =>
        Assert.Throws<JsonException>(() => ProvenanceJson.Read(Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void ALaterSchemaIsRefused()
    {
        var later = ProvenanceJson.Write(Document with { SchemaVersion = 2 });
        Assert.Throws<JsonException>(() => ProvenanceJson.Read(later));
    }

    [Fact]
    public void AFieldThatALaterVersionAddsIsNoError()
    {
        var text = Encoding.UTF8.GetString(ProvenanceJson.Write(Document)).Replace("\"schema_version\": 1,", "\"schema_version\": 1, \"new\": 1,", StringComparison.Ordinal);
        Assert.Equal(Samples.Build(), ProvenanceJson.Read(Encoding.UTF8.GetBytes(text)).ToBuild());
    }

    [Fact]
    public void AnUnsafeNameMakesNoBuild() =>
        Assert.Throws<ArgumentException>(() => (Document with { Kernel = new ProvenanceKernel("..", "12", "x86_64", "6.1") }).ToBuild());
}
