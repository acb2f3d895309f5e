using System.Diagnostics;

namespace Archive.Store.Tests;

/// <summary>A StoreCrashHost of our own, killed when it is disposed.</summary>
internal sealed class HostProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private HostProcess(Process process) => (_process, _errors) = (process, process.StandardError.ReadToEndAsync());

    public static string Assembly { get; } = Path.Combine(AppContext.BaseDirectory, "StoreCrashHost.dll");

    public static HostProcess Start(params string[] arguments) => new(Process.Start(new ProcessStartInfo("dotnet", [Assembly, .. arguments])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!);

    /// <summary>Waits until the host is at work.</summary>
    public async Task<HostProcess> ReadyAsync()
    {
        var line = await _process.StandardOutput.ReadLineAsync();
        Assert.True(line == "ready", line ?? await _errors);
        return this;
    }

    /// <summary>SIGKILL: nothing of the host runs any more.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public async Task SucceedAsync()
    {
        await _process.WaitForExitAsync();
        Assert.True(_process.ExitCode == 0, await _errors);
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }
}
