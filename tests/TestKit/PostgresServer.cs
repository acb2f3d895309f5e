using System.Diagnostics;
using System.Globalization;

namespace TestKit;

/// <summary>
/// A real PostgreSQL of the tests' own: fresh data directory, unprivileged user, a port on the loopback. It ends with the process that
/// started it, however that ends. Its databases compare text by the rules of English unless told otherwise, as most servers do.
/// </summary>
public sealed class PostgresServer : IDisposable
{
    private const string Unprivileged = "65534"; // nobody
    private static readonly Lazy<PostgresServer> SharedServer = new(() =>
    {
        var server = new PostgresServer();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        return server;
    });

    private readonly TempFolder _folder = new();
    private Process? _process;
    private int _databases;

    public PostgresServer()
    {
        Port = Ports.Free();
        Initialise();
        Start();
    }

    /// <summary>One for all tests of this process that do not stop it.</summary>
    public static PostgresServer Shared => SharedServer.Value;

    public int Port { get; }

    /// <summary>Npgsql's connection string to a new, empty database.</summary>
    public string NewDatabase()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Environment.ProcessId}_{Interlocked.Increment(ref _databases)}");
        Run("psql", "-q", "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", "archive", "-d", "postgres", "-c", $"CREATE DATABASE {name}");
        return string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={Port};Username=archive;Database={name};Maximum Pool Size=20");
    }

    /// <summary>As an operator backs a database up: pg_dump in its custom format.</summary>
    public void Dump(string connectionString, string file) =>
        Tool.Run(Program("pg_dump"), "-Fc", "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", "archive", "-f", file, NameOf(connectionString));

    /// <summary>Into an empty database.</summary>
    public void Restore(string file, string connectionString) =>
        Tool.Run(Program("pg_restore"), "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture), "-U", "archive", "--exit-on-error", "-d", NameOf(connectionString), file);

    private static string NameOf(string connectionString) =>
        connectionString.Split(';').Single(p => p.StartsWith("Database=", StringComparison.Ordinal))["Database=".Length..];

    /// <summary>SIGKILL to the server; its children follow. What was committed is there after <see cref="Start"/>.</summary>
    public void Kill()
    {
        var postmaster = int.Parse(File.ReadLines(_folder.File("data/postmaster.pid")).First(), CultureInfo.InvariantCulture);
        using (var process = Process.GetProcessById(postmaster))
            process.Kill();
        End();
    }

    /// <summary>Starts the server and waits until it lets us in.</summary>
    public void Start()
    {
        var deadline = Stopwatch.StartNew();
        while (deadline.Elapsed < TimeSpan.FromSeconds(60))
        {
            // The server goes when our end of its guard's input is closed, which happens at our death too. A killed server's children may
            // hold its memory for a moment; it does not start before they are gone.
            _process ??= Launch();
            if (IsReady())
                return;
            if (_process.HasExited)
                End();
            Thread.Sleep(100);
        }
        throw new InvalidOperationException($"PostgreSQL does not start: {File.ReadAllText(_folder.File("log"))}");
    }

    public void Dispose()
    {
        End();
        _folder.Dispose();
    }

    /// <summary>Path of one of PostgreSQL's programs, which Debian keeps off the PATH.</summary>
    public static string Program(string name)
    {
        const string Versions = "/usr/lib/postgresql";
        var installed = Directory.Exists(Versions) ? Directory.GetDirectories(Versions).Order(StringComparer.Ordinal).Select(d => Path.Combine(d, "bin", name)).Where(File.Exists) : [];
        return installed.LastOrDefault() ?? name;
    }

    private void Initialise()
    {
        Directory.CreateDirectory(_folder.File("data"));
        File.WriteAllText(_folder.File("log"), "");
        File.SetUnixFileMode(_folder.FullPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        if (Environment.IsPrivilegedProcess)
            Tool.Run("chown", $"{Unprivileged}:{Unprivileged}", _folder.File("data"), _folder.File("log"));
        Run("initdb", "-D", _folder.File("data"), "-U", "archive", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync");
    }

    private Process Launch()
    {
        var server = string.Create(CultureInfo.InvariantCulture,
            $"{Program("postgres")} -D {_folder.File("data")} -p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300");
        var (file, arguments) = AsUser("sh", ["-c", $"{server} >>{_folder.File("log")} 2>&1 & server=$!; exec 3<&0; (cat <&3; kill -QUIT $server) & wait $server"]);
        return Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, UseShellExecute = false, WorkingDirectory = "/" })!;
    }

    private bool IsReady()
    {
        using var client = Process.Start(new ProcessStartInfo(Program("pg_isready"), ["-q", "-h", "127.0.0.1", "-p", Port.ToString(CultureInfo.InvariantCulture)]))!;
        client.WaitForExit();
        return client.ExitCode == 0;
    }

    private void End()
    {
        if (_process is null)
            return;
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    private static void Run(string program, params string[] arguments)
    {
        var (file, all) = AsUser(Program(program), arguments);
        Tool.Run(file, [.. all]);
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    private static (string File, IEnumerable<string> Arguments) AsUser(string program, IEnumerable<string> arguments) => Environment.IsPrivilegedProcess
        ? ("setpriv", ["--reuid", Unprivileged, "--regid", Unprivileged, "--clear-groups", program, .. arguments])
        : (program, arguments);
}
