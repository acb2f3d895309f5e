using System.Net;
using System.Net.Sockets;

namespace TestKit;

/// <summary>
/// Ports for servers that are started later. They are below those that the system gives to outgoing connections (<c>ip_local_port_range</c>):
/// one of these may be taken before the server binds it.
/// </summary>
public static class Ports
{
    private const int First = 15_000, Last = 32_000;

    /// <summary>What was not given out yet, from <see cref="First"/> on, over and over.</summary>
    private static int _next = Random.Shared.Next(Last - First);

    /// <summary>A port that nobody listens on, another one each time.</summary>
    public static int Free() => Free(1);

    /// <summary>The first of several in a row.</summary>
    public static int Free(int count)
    {
        while (true)
        {
            var port = First + ((Interlocked.Add(ref _next, count) - count) % (Last - First));
            if (Enumerable.Range(port, count).All(IsFree))
                return port;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
