using System.Security.Cryptography;
using Btf;
using Btf.CoRe;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Archive.Api.Objects;

/// <summary>A BPF object as it was sent.</summary>
/// <param name="Name">The file's, without folders; object.o if it has none.</param>
/// <param name="Sha256">Of its bytes, lower-case hex.</param>
/// <param name="Bytes">The file.</param>
public sealed record UploadedObject(string Name, string Sha256, ReadOnlyMemory<byte> Bytes, BpfObject Object);

/// <summary>Reads the objects of a request: multipart/form-data with any field names, or the one object as the body. Nothing is kept on disk.</summary>
public static class UploadedObjects
{
    private const int MaxBoundary = 200;
    private const int MaxName = 128;
    private const int MaxFields = 16, MaxFieldBytes = 1 << 10;

    /// <exception cref="BadHttpRequestException">With 400, 413 or 415: what is wrong with which object.</exception>
    /// <param name="fields">Takes the parts that are no files, as forms have them, by name; where it is null, every part is an object.</param>
    public static async Task<List<UploadedObject>> ReadAsync(HttpRequest request, ObjectOptions options, CancellationToken cancellation, Dictionary<string, string>? fields = null)
    {
        if (request.ContentLength > options.MaxRequestBytes)
            throw TooLarge($"The request has {request.ContentLength} bytes; {options.MaxRequestBytes} are taken.");
        var objects = new List<UploadedObject>();
        try
        {
            if (IsMultipart(request))
                await ReadPartsAsync(request, objects, options, fields, cancellation);
            else
                objects.Add(Parse("object.o", await ReadAllAsync(request.Body, "The object", options.MaxObjectBytes, cancellation)));
        }
        catch (Exception broken) when (broken is InvalidDataException || (broken is IOException and not BadHttpRequestException))
        {
            throw new BadHttpRequestException($"The body is broken after {objects.Count} objects: {broken.Message}", broken); // Chunks of no size, parts without an end, a client that left.
        }
        return objects.Count > 0 ? objects : throw new BadHttpRequestException("There is no object in the request: send files as multipart/form-data, or one as the body.");
    }

    private static bool IsMultipart(HttpRequest request) =>
        MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase);

    private static async Task ReadPartsAsync(HttpRequest request, List<UploadedObject> objects, ObjectOptions options, Dictionary<string, string>? fields, CancellationToken cancellation)
    {
        var boundary = HeaderUtilities.RemoveQuotes(MediaTypeHeaderValue.Parse(request.ContentType).Boundary).Value;
        if (string.IsNullOrEmpty(boundary) || boundary.Length > MaxBoundary)
            throw new BadHttpRequestException("The multipart body has no usable boundary.");
        var reader = new MultipartReader(boundary, request.Body) { HeadersCountLimit = 16, HeadersLengthLimit = 8 << 10 };
        while (await reader.ReadNextSectionAsync(cancellation) is { } section)
        {
            if (fields is not null && await ReadFieldAsync(section, fields, cancellation))
                continue;
            if (objects.Count == options.MaxObjects)
                throw TooLarge($"There are more than {options.MaxObjects} objects.");
            var name = NameOf(section);
            objects.Add(Parse(name, await ReadAllAsync(section.Body, name, options.MaxObjectBytes, cancellation)));
        }
    }

    /// <returns>Whether the part is a field of the form, or the place of a file that was not chosen.</returns>
    private static async Task<bool> ReadFieldAsync(MultipartSection section, Dictionary<string, string> fields, CancellationToken cancellation)
    {
        if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || disposition.FileNameStar.HasValue)
            return false;
        if (disposition.FileName.HasValue)
            return HeaderUtilities.RemoveQuotes(disposition.FileName).Length == 0;
        var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
        if (fields.Count == MaxFields)
            throw TooLarge($"There are more than {MaxFields} fields.");
        fields[name[..Math.Min(name.Length, MaxName)]] = System.Text.Encoding.UTF8.GetString(await ReadAllAsync(section.Body, "A field", MaxFieldBytes, cancellation));
        return true;
    }

    private static string NameOf(MultipartSection section)
    {
        _ = ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition);
        var name = HeaderUtilities.RemoveQuotes(disposition?.FileNameStar.HasValue == true ? disposition.FileNameStar : disposition?.FileName ?? default).Value ?? "";
        name = string.Concat(name[(name.LastIndexOfAny(['/', '\\']) + 1)..].Where(letter => !char.IsControl(letter)).Take(MaxName));
        return name.Length > 0 ? name : "object.o";
    }

    private static async Task<byte[]> ReadAllAsync(Stream body, string name, int limit, CancellationToken cancellation)
    {
        using var bytes = new MemoryStream();
        var buffer = new byte[64 << 10];
        for (int read; (read = await body.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (bytes.Length + read > limit)
                throw TooLarge($"{name} has more than {limit} bytes.");
            bytes.Write(buffer, 0, read);
        }
        return bytes.ToArray();
    }

    /// <exception cref="BadHttpRequestException">It is no object, or one that cannot be read.</exception>
    public static UploadedObject Parse(string name, byte[] bytes)
    {
        try
        {
            var item = BpfObject.Parse(bytes);
            item.RequireReadableRelocations();
            return new UploadedObject(name, Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes, item);
        }
        catch (MalformedInputException defect)
        {
            throw new BadHttpRequestException($"{name}: {defect.Message}", defect);
        }
    }

    private static BadHttpRequestException TooLarge(string message) => new(message, StatusCodes.Status413PayloadTooLarge);
}
