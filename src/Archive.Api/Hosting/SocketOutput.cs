using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Archive.Api.Hosting;

/// <summary>
/// What a connection sends, straight to its socket: a flush ends when the system has taken all, and memory is held until then only. A whole
/// file goes from the page cache to the socket (<c>sendfile(2)</c>) and never through this process.
/// </summary>
/// <param name="transport">The connection's own output, which sends nothing but what is left at the end, and closes the connection.</param>
internal sealed class SocketOutput(PipeWriter transport, Socket socket) : PipeWriter
{
    private const int LeastBuffer = 4096;
    private const int TcpLevel = 6, TcpCork = 3;

    private byte[] _buffer = [];
    private int _length;
    private (FileStream Content, int Length)? _file;
    private volatile bool _isEnded, _isSending;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length + (_file?.Length ?? 0);

    /// <summary>Each connection over a socket gets such an output.</summary>
    public static void UseFor(IConnectionBuilder connections) => connections.Use(next => connection =>
    {
        if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
        {
            var output = new SocketOutput(connection.Transport.Output, socket);
            connection.Transport = new Duplex(connection.Transport.Input, output);
            connection.Features.Set(output);
        }
        return next(connection);
    });

    /// <summary>The output that the answer's body goes into as it is; null where it is encrypted, framed or compressed in between.</summary>
    public static SocketOutput? Of(HttpContext context)
    {
        var features = context.Features;
        var isBare = !context.Request.IsHttps && HttpProtocol.IsHttp11(context.Request.Protocol)
            && ReferenceEquals(features.Get<IHttpResponseBodyFeature>(), features.Get<IHttpRequestFeature>());
        return isBare ? features.Get<SocketOutput>() : null;
    }

    /// <summary>Sends the whole file as the whole body.</summary>
    /// <param name="file">Open for asynchronous reading; the caller closes it when it is sent.</param>
    /// <param name="length">Of the file, and of the body as its header says it.</param>
    public async Task SendFileAsync(HttpContext context, FileStream file, int length)
    {
        await context.Response.StartAsync(context.RequestAborted);
        context.Response.BodyWriter.GetMemory(); // The server wants it asked for, and counts what the file is to bring.
        _file = (file, length);
        context.Response.BodyWriter.Advance(length);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_buffer.Length - _length < Math.Max(sizeHint, 1))
            Grow(_length + Math.Max(sizeHint, LeastBuffer));
        return _buffer.AsMemory(_length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (_file is null)
            _length += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        UnflushedBytes == 0 || _isEnded ? ValueTask.FromResult(new FlushResult(false, _isEnded)) : SendAsync(cancellationToken);

    /// <summary>Half an answer has no use: the connection ends.</summary>
    public override void CancelPendingFlush()
    {
        _isEnded = true;
        socket.Close();
    }

    public override void Complete(Exception? exception = null)
    {
        // What is being sent is released by who sends it.
        if (!_isSending)
        {
            if (!_isEnded)
                transport.Write(_buffer.AsSpan(0, _length));
            Release();
        }
        _isEnded = true;
        transport.Complete(exception);
    }

    private async ValueTask<FlushResult> SendAsync(CancellationToken cancellation)
    {
        _isSending = true;
        try
        {
            if (_file is { } file)
                await SendAsync(file.Content, file.Length);
            for (var sent = _file is null ? 0 : _length; sent < _length;)
                sent += await socket.SendAsync(_buffer.AsMemory(sent, _length - sent), SocketFlags.None, cancellation);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            _isEnded = true; // Whoever reads from the connection learns why, and closes it.
        }
        catch
        {
            CancelPendingFlush(); // Else the client would wait for the rest.
            throw;
        }
        finally
        {
            Release();
            _isSending = false;
        }
        return new FlushResult(false, _isEnded);
    }

    /// <summary>What is buffered and then the file, in full segments. Closing the socket ends it.</summary>
    private async Task SendAsync(FileStream file, int length)
    {
        var ended = new TaskCompletionSource();
        using var packets = new SocketAsyncEventArgs
        {
            SendPacketsElements = [new SendPacketsElement(_buffer, 0, _length), new SendPacketsElement(file, 0L, length)],
        };
        packets.Completed += (_, _) => ended.SetResult();
        Cork(true);
        if (socket.SendPacketsAsync(packets))
            await ended.Task;
        Cork(false);
        if (packets.SocketError != SocketError.Success)
            throw new SocketException((int)packets.SocketError);
    }

    /// <summary><c>TCP_CORK</c>: the head of an answer does not wake its client alone.</summary>
    private void Cork(bool isOn)
    {
        if (OperatingSystem.IsLinux() && socket.AddressFamily != AddressFamily.Unix)
            socket.SetRawSocketOption(TcpLevel, TcpCork, isOn ? [1, 0, 0, 0] : [0, 0, 0, 0]);
    }

    private void Grow(int least)
    {
        var larger = ArrayPool<byte>.Shared.Rent(least);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        Return();
        _buffer = larger;
    }

    private void Release()
    {
        Return();
        (_buffer, _length, _file) = ([], 0, null);
    }

    private void Return()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
