using System.Text.Json;
using Btf.Text;

namespace Archive.Api.Objects;

/// <summary>Where some fields are in many kernels, for loaders that compile offsets in.</summary>
internal sealed class KernelOffsetTable(KernelMinimizer kernels, IReadOnlyList<FieldPath> paths, string format)
{
    /// <summary>The profiles of a bundle that are such a table, with its format.</summary>
    public static readonly IReadOnlyDictionary<string, string> Profiles = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["offsets-c"] = "c", ["offsets-json"] = "json" };

    private const int MaxFields = 4096;

    /// <summary>The fields of objects, in ordinal order.</summary>
    /// <exception cref="BadHttpRequestException">There are none, too many, or one has a name that C has not.</exception>
    public static List<FieldPath> FieldsOf(IEnumerable<UploadedObject> objects)
    {
        var fields = objects.SelectMany(item => item.Object.Fields()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (fields.Count is 0 or > MaxFields)
            throw new BadHttpRequestException($"The objects' relocations are about {fields.Count} fields; a table has 1 to {MaxFields}.");
        try
        {
            return fields.ConvertAll(FieldPath.Parse);
        }
        catch (FormatException problem)
        {
            throw new BadHttpRequestException(problem.Message, problem);
        }
    }

    /// <summary>JSON goes out kernel by kernel; C when all are known, for a path has a column for each pointer in it.</summary>
    public async Task WriteAsync(HttpResponse response, IReadOnlyList<SelectedKernel> selected, CancellationToken cancellation)
    {
        response.ContentType = format == "json" ? "application/json" : "text/x-c; charset=utf-8";
        var answers = kernels.AskAsync(selected, ModuleSelection.None, (_, target) => Task.FromResult<IReadOnlyList<FieldOffset>>([.. paths.Select(new FieldOffsets(target.Kernel).Find)]), cancellation);
        if (format == "json")
            await WriteJsonAsync(response, answers, cancellation);
        else
            await WriteCAsync(response, answers, cancellation);
    }

    private static async Task WriteJsonAsync(HttpResponse response, IAsyncEnumerable<(SelectedKernel, IReadOnlyList<FieldOffset>?, string?)> answers, CancellationToken cancellation)
    {
        var separator = "{\"kernels\": [\n";
        await foreach (var (kernel, offsets, problem) in answers)
        {
            await response.WriteAsync(separator + JsonSerializer.Serialize(new KernelOffsets(kernel.Key.ToString(), offsets ?? [], problem), TextJson.Default.KernelOffsets), cancellation);
            separator = ",\n";
        }
        await response.WriteAsync("\n]}\n", cancellation);
    }

    private static async Task WriteCAsync(HttpResponse response, IAsyncEnumerable<(SelectedKernel, IReadOnlyList<FieldOffset>?, string?)> answers, CancellationToken cancellation)
    {
        var table = new List<(string, IReadOnlyList<FieldOffset>)>();
        await foreach (var (kernel, offsets, _) in answers)
        {
            if (offsets is not null)
                table.Add((kernel.Key.ToString(), offsets));
        }
        using var text = new StringWriter();
        OffsetTable.WriteC(table, text);
        await response.WriteAsync(text.ToString(), cancellation);
    }
}
