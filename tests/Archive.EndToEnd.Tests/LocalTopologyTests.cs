using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>The processes of the compose file by <c>infra/local/run</c>: what a crawler plans, two extractors publish and two replicas serve through nginx; one signal ends them all.</summary>
[Trait("Category", "Real")]
public sealed class LocalTopologyTests : IDisposable
{
    private const int Kernels = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly AptRepository _repository = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _repository.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task WhatOneProcessFindsAnotherExtractsAndAThirdServes()
    {
        _repository.AddAlikeKernels(Kernels);
        _repository.Publish();
        await using var mirror = await MirrorServer.StartAsync(_repository.Root);
        Directory.CreateSymbolicLink(_folder.File("azurite"), AzuriteServer.Installed()); // It would install its own.
        var port = Ports.Free(8);
        using var run = Start(port, mirror.Url);
        try
        {
            using var client = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}")) };
            await WaitAsync(run, async () => JsonNode.Parse(await client.GetStringAsync("/v1/kernels?outcome=published"))!["kernels"]!.AsArray().Count == Kernels);
            var kernel = JsonNode.Parse(await client.GetStringAsync("/v1/kernels?outcome=published"))!["kernels"]![0]!;
            var tarball = await client.GetByteArrayAsync($"/{kernel["distro"]}/{kernel["version"]}/{kernel["arch"]}/{kernel["uname"]}.btf.tar.xz");
            Assert.Equal(kernel["tarball"]!["size"]!.GetValue<long>(), tarball.Length);
        }
        finally
        {
            Tool.Run("kill", run.Id.ToString(CultureInfo.InvariantCulture));
            Assert.True(run.WaitForExit(Limit), "it does not end");
        }
        Assert.Empty(Tool.Try("pgrep", ["-f", _folder.FullPath]).Output); // Nothing is left behind.
    }

    private Process Start(int port, Uri mirror)
    {
        string[] settings =
        [
            "--Crawler:CheckIn=00:00:01", "--Crawler:MinFreeBytes=0", "--Crawler:Sources:debian:RunAtStart=true",
            "--Crawler:Sources:debian:Releases:0=bookworm", "--Crawler:Sources:debian:Arches:0=amd64", "--Crawler:Sources:debian:Flavours:0=all", "--Crawler:Sources:debian:Newest=1000",
            $"--Crawler:Sources:debian:Mirrors:0={mirror}", $"--Crawler:Sources:debian:SecurityMirrors:0={mirror}", $"--Crawler:Sources:debian:Keyring={_repository.Keyring}",
        ];
        var run = Tool.Start("env", [string.Create(CultureInfo.InvariantCulture, $"PORT={port}"), Path.Combine(Checkout.Root, "infra", "local", "run"), _folder.FullPath, Programs.Api, .. settings]);
        run.BeginOutputReadLine();
        run.BeginErrorReadLine();
        return run;
    }

    private async Task WaitAsync(Process run, Func<Task<bool>> holds)
    {
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(200))
        {
            try
            {
                if (await holds())
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (run.HasExited || waited.Elapsed > Limit)
                throw new InvalidOperationException(string.Join('\n', Directory.GetFiles(_folder.FullPath, "*.log").Select(log => $"{log}: {File.ReadAllText(log)}")));
        }
    }
}
