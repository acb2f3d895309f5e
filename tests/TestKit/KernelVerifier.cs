using System.Runtime.InteropServices;
using System.Text;

namespace TestKit;

/// <summary>
/// The running kernel's own BTF verifier, by <c>bpf(BPF_BTF_LOAD)</c>. It takes BTF of the host's byte order only, up to
/// 16 MiB, and wants root.
/// </summary>
public static class KernelVerifier
{
    private const int BtfLoad = 18;
    private const int NotPermitted = 1;
    private const int LogSize = 1 << 20;

    public sealed record Verdict(bool Accepted, int Errno, string Log)
    {
        /// <summary>The kernel's reason: the last line of its log.</summary>
        public string Reason => Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? $"errno {Errno}";
    }

    /// <exception cref="InvalidOperationException">This process may not load BTF, so there is no verdict.</exception>
    public static unsafe Verdict Load(ReadOnlySpan<byte> btf)
    {
        var errno = Load(btf, []);
        if (errno == 0)
            return new Verdict(true, 0, "");
        if (errno == NotPermitted)
            throw new InvalidOperationException("BPF_BTF_LOAD is not permitted: run as root");
        var log = new byte[LogSize];
        _ = Load(btf, log);
        return new Verdict(false, errno, Encoding.Latin1.GetString(log).TrimEnd('\0'));
    }

    private static unsafe int Load(ReadOnlySpan<byte> btf, Span<byte> log)
    {
        fixed (byte* btfStart = btf, logStart = log)
        {
            var attributes = new LoadAttributes
            {
                Btf = (ulong)btfStart,
                Log = (ulong)logStart,
                BtfSize = (uint)btf.Length,
                LogSize = (uint)log.Length,
                LogLevel = log.IsEmpty ? 0u : 1u,
            };
            var descriptor = syscall(CallNumber, BtfLoad, &attributes, sizeof(LoadAttributes));
            if (descriptor < 0)
                return Marshal.GetLastPInvokeError();
            _ = close((int)descriptor);
            return 0;
        }
    }

    private static nint CallNumber => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 321,
        Architecture.S390x => 351,
        Architecture.Ppc64le => 361,
        _ => 280, // the generic table: arm64, riscv64
    };

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe nint syscall(nint number, nint command, LoadAttributes* attributes, nint size);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int close(int descriptor);

    /// <summary>The BPF_BTF_LOAD part of <c>union bpf_attr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct LoadAttributes
    {
        public ulong Btf;
        public ulong Log;
        public uint BtfSize;
        public uint LogSize;
        public uint LogLevel;
        public uint TrueLogSize;
    }
}
