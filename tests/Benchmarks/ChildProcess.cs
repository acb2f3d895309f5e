using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Benchmarks;

/// <summary>What a process cost, its own children included.</summary>
/// <param name="WallSeconds">From before it was started until it was reaped.</param>
/// <param name="CpuSeconds">User and system time (<c>getrusage(2)</c>).</param>
/// <param name="PeakBytes">
/// <c>ru_maxrss</c>: of the largest single process among it and its children. Never below the peak of the process that
/// started it: at exec the kernel counts the address space that the child still shares with its parent.
/// </param>
internal readonly record struct ProcessCost(double WallSeconds, double CpuSeconds, long PeakBytes);

/// <summary>
/// Runs a program and reaps it with <c>wait4(2)</c>, which tells what this one child cost. <see cref="Process"/> reaps its
/// children itself and keeps only their processor times.
/// </summary>
internal static unsafe partial class ChildProcess
{
    private const int ErrorOfInterruptedCall = 4; // EINTR
    private const int Discard = 1; // O_WRONLY
    private const int Truncate = 1 | 0x40 | 0x200; // O_WRONLY | O_CREAT | O_TRUNC
    private const uint ReadableByAll = 0b110_100_100;

    /// <summary><c>posix_spawn_file_actions_t</c> has 80 bytes in glibc and in musl; more does no harm.</summary>
    private const int FileActionsBytes = 256;

    /// <param name="command">Program (looked up in PATH) and arguments.</param>
    /// <param name="output">File that takes its standard output; null discards it.</param>
    /// <exception cref="InvalidOperationException">It could not be started, or did not end with status 0; the message has its errors.</exception>
    public static ProcessCost Run(IReadOnlyList<string> command, string? output = null)
    {
        var errors = Path.GetTempFileName();
        try
        {
            var clock = Stopwatch.GetTimestamp();
            var (status, usage) = Reap(Start(command, output, errors));
            var wall = Stopwatch.GetElapsedTime(clock).TotalSeconds;
            return status == 0
                ? new ProcessCost(wall, usage.User.Seconds + usage.System.Seconds, usage.PeakKibibytes << 10)
                : throw new InvalidOperationException($"{string.Join(' ', command)}: wait status 0x{status:x}\n{File.ReadAllText(errors)}");
        }
        finally
        {
            File.Delete(errors);
        }
    }

    /// <summary>What a program prints, without the line's end.</summary>
    public static string Ask(params string[] command)
    {
        var output = Path.GetTempFileName();
        try
        {
            Run(command, output);
            return File.ReadAllText(output).Trim();
        }
        finally
        {
            File.Delete(output);
        }
    }

    private static int Start(IReadOnlyList<string> command, string? output, string errors)
    {
        var actions = stackalloc byte[FileActionsBytes];
        Require(InitFileActions(actions), "posix_spawn_file_actions_init");
        try
        {
            Require(AddOpen(actions, 0, "/dev/null", 0, 0), "posix_spawn_file_actions_addopen");
            Require(AddOpen(actions, 1, output ?? "/dev/null", output is null ? Discard : Truncate, ReadableByAll), "posix_spawn_file_actions_addopen");
            Require(AddOpen(actions, 2, errors, Truncate, ReadableByAll), "posix_spawn_file_actions_addopen");
            var environment = *(nint*)NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "environ");
            Require(Spawn(out var pid, command[0], actions, 0, [.. command, null], environment), command[0]);
            return pid;
        }
        finally
        {
            _ = DestroyFileActions(actions);
        }
    }

    private static (int Status, ResourceUsage Usage) Reap(int pid)
    {
        while (true)
        {
            if (Wait4(pid, out var status, 0, out var usage) == pid)
                return (status, usage);
            if (Marshal.GetLastPInvokeError() != ErrorOfInterruptedCall)
                throw new InvalidOperationException($"wait4: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    // The posix_spawn family returns the error instead of setting errno.
    private static void Require(int error, string what)
    {
        if (error != 0)
            throw new InvalidOperationException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeValue
    {
        private nint _seconds;
        private nint _microseconds;

        public readonly double Seconds => _seconds + _microseconds / 1e6;
    }

    /// <summary><c>struct rusage</c> of Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ResourceUsage
    {
        public TimeValue User;
        public TimeValue System;
        public nint PeakKibibytes;
        private fixed long _rest[13];
    }

    [LibraryImport("libc", EntryPoint = "posix_spawnp", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Spawn(out int pid, string file, byte* actions, nint attributes, string?[] arguments, nint environment);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_init")]
    private static partial int InitFileActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_destroy")]
    private static partial int DestroyFileActions(byte* actions);

    [LibraryImport("libc", EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int AddOpen(byte* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "wait4", SetLastError = true)]
    private static partial int Wait4(int pid, out int status, int options, out ResourceUsage usage);
}
