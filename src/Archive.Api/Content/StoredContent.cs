using System.Globalization;
using System.Text;
using Archive.Api.Hosting;
using Archive.Api.Observability;
using Archive.Store.Kernels;
using Microsoft.Net.Http.Headers;

namespace Archive.Api.Content;

/// <summary>
/// Bytes whose SHA-256 is known, as the answer to GET or HEAD: strong ETag, <c>Repr-Digest</c>, conditions, one range or several.
/// They are read from the stream piece by piece and never held whole.
/// </summary>
/// <param name="content">Seekable; closed at the end.</param>
internal sealed class StoredContent(Stream content, StoredForm form) : IResult
{
    /// <summary>Kestrel keeps as much of an answer before it waits for a slow client.</summary>
    private const int PieceBytes = 64 * 1024;

    public required string MediaType { get; init; }

    public required string CacheControl { get; init; }

    public DateTimeOffset? Modified { get; init; }

    /// <summary>What the file is to be saved as.</summary>
    public string? FileName { get; init; }

    /// <summary>The content coding that these bytes are in; null for none.</summary>
    public string? Coding { get; init; }

    /// <summary>Another <c>Accept-Encoding</c> gets other bytes.</summary>
    public bool IsNegotiated { get; init; }

    private string Tag => $"\"{form.Sha256}\"";

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using (content)
        {
            WriteHeaders(httpContext.Response);
            var status = Conditions.Check(httpContext.Request, Tag, Modified);
            if (status != StatusCodes.Status200OK)
                httpContext.Response.StatusCode = status;
            else
                await SendAsync(httpContext);
        }
    }

    private void WriteHeaders(HttpResponse response)
    {
        var headers = response.Headers;
        var digest = Convert.ToBase64String(Convert.FromHexString(form.Sha256));
        headers.ETag = Tag;
        headers.CacheControl = CacheControl;
        headers.AcceptRanges = "bytes";
        headers["Repr-Digest"] = $"sha-256=:{digest}:";
        headers["Digest"] = $"SHA-256={digest}"; // RFC 3230, which older tools know.
        headers.XContentTypeOptions = "nosniff";
        if (Modified is { } modified)
            headers.LastModified = HeaderUtilities.FormatDate(modified);
        if (Coding is not null)
            headers.ContentEncoding = Coding;
        if (IsNegotiated)
            headers.Vary = HeaderNames.AcceptEncoding;
    }

    private async Task SendAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var ranges = HttpMethods.IsGet(request.Method) && Conditions.IsRangeCurrent(request, Tag, Modified)
            ? ByteRanges.Parse(request.Headers.Range, form.Size)
            : null;
        if (ranges is { Count: 0 })
        {
            response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{form.Size}");
            return;
        }
        if (FileName is not null)
            response.Headers.ContentDisposition = $"attachment; filename=\"{FileName}\"";
        response.ContentType = MediaType;
        if (ranges is null)
            await SendWholeAsync(context);
        else if (ranges.Count == 1)
            await SendOneAsync(context, ranges[0]);
        else
            await SendPartsAsync(context, ranges);
    }

    private Task SendWholeAsync(HttpContext context)
    {
        context.Response.ContentLength = form.Size;
        if (HttpMethods.IsHead(context.Request.Method))
            return Task.CompletedTask;
        return content is FileStream { IsAsync: true } file && file.Length == form.Size && form.Size is >= PieceBytes and <= int.MaxValue && SocketOutput.Of(context) is { } output
            ? SendFileAsync(context, output, file)
            : CopyAsync(context, new ByteRange(0, form.Size - 1));
    }

    private async Task SendFileAsync(HttpContext context, SocketOutput output, FileStream file)
    {
        await output.SendFileAsync(context, file, (int)form.Size);
        CountSent(form.Size);
    }

    private Task SendOneAsync(HttpContext context, ByteRange range)
    {
        context.Response.StatusCode = StatusCodes.Status206PartialContent;
        context.Response.Headers.ContentRange = range.Header(form.Size);
        context.Response.ContentLength = range.Length;
        return CopyAsync(context, range);
    }

    /// <summary><c>multipart/byteranges</c>, RFC 9110 §14.6.</summary>
    private async Task SendPartsAsync(HttpContext context, IReadOnlyList<ByteRange> ranges)
    {
        var response = context.Response;
        var boundary = Guid.NewGuid().ToString("n");
        var heads = ranges.Select(r => Encoding.ASCII.GetBytes(
            $"\r\n--{boundary}\r\nContent-Type: {MediaType}\r\nContent-Range: {r.Header(form.Size)}\r\n\r\n")).ToList();
        var end = Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");
        response.StatusCode = StatusCodes.Status206PartialContent;
        response.ContentType = $"multipart/byteranges; boundary={boundary}";
        response.ContentLength = heads.Sum(h => (long)h.Length) + ranges.Sum(r => r.Length) + end.Length;
        for (var i = 0; i < ranges.Count; i++)
        {
            await response.BodyWriter.WriteAsync(heads[i], context.RequestAborted);
            await CopyAsync(context, ranges[i]);
        }
        await response.BodyWriter.WriteAsync(end, context.RequestAborted);
    }

    /// <summary>
    /// Straight into the connection's buffers. Files are read synchronously: they are in the page cache as a rule, and an
    /// asynchronous read of a file is a synchronous one on another thread.
    /// </summary>
    private async Task CopyAsync(HttpContext context, ByteRange range)
    {
        var writer = context.Response.BodyWriter;
        content.Position = range.First;
        for (var left = range.Length; left > 0;)
        {
            var buffer = writer.GetMemory((int)Math.Min(PieceBytes, left));
            var wanted = buffer[..(int)Math.Min(buffer.Length, left)];
            var read = content is FileStream ? content.Read(wanted.Span) : await content.ReadAsync(wanted, context.RequestAborted);
            if (read == 0)
                throw new EndOfStreamException($"{form.Sha256}: {left} bytes of {form.Size} are missing");
            writer.Advance(read);
            left -= read;
            CountSent(read);
            if ((await writer.FlushAsync(context.RequestAborted)).IsCompleted)
                return;
        }
    }

    private void CountSent(long bytes) => ArchiveMeter.SentBytes.Add(bytes, new KeyValuePair<string, object?>("type", MediaType));
}
