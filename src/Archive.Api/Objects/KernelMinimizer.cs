using System.Security.Cryptography;
using Archive.Store.Blobs;
using Btf;
using Btf.CoRe;

namespace Archive.Api.Objects;

/// <summary>Minimal BTF of one kernel, or why there is none.</summary>
/// <param name="Btf">Empty if there is none.</param>
/// <param name="Sha256">Of the minimal BTF: kernels with equal digests need the same of it.</param>
public sealed record MinimizedKernel(SelectedKernel Kernel, byte[] Btf, string Sha256, string? Problem);

/// <summary>Asks kernels in their order, some ahead of time; what is held is a kernel for each core and results not taken yet.</summary>
public sealed class KernelMinimizer(WarmKernels kernels, KernelModules modules)
{
    private static readonly int Ahead = Math.Max(2, Environment.ProcessorCount);

    /// <summary>Minimal BTF of each kernel for all objects together.</summary>
    public IAsyncEnumerable<MinimizedKernel> RunAsync(
        IEnumerable<SelectedKernel> selected, ModuleSelection modules, IReadOnlyList<UploadedObject> objects, MinimalBtfOptions options, CancellationToken cancellation) =>
        InOrderAsync(selected, kernel => MinimizeAsync(kernel, modules, objects, options, cancellation));

    /// <summary>A question to each kernel; the BTF is only lent.</summary>
    public IAsyncEnumerable<(SelectedKernel Kernel, T? Answer, string? Problem)> AskAsync<T>(
        IEnumerable<SelectedKernel> selected, ModuleSelection modules, Func<SelectedKernel, CoreTarget, Task<T>> question, CancellationToken cancellation)
        where T : class => InOrderAsync(selected, kernel => AskAsync(kernel, modules, question, cancellation));

    public async Task<MinimizedKernel> MinimizeAsync(
        SelectedKernel kernel, ModuleSelection modules, IReadOnlyList<UploadedObject> objects, MinimalBtfOptions options, CancellationToken cancellation)
    {
        var (_, btf, problem) = await AskAsync(kernel, modules, (_, target) => Task.FromResult(MinimalBtf.Make(target, objects.Select(item => item.Object), options)), cancellation);
        return new(kernel, btf ?? [], btf is null ? "" : Convert.ToHexStringLower(SHA256.HashData(btf)), problem);
    }

    /// <summary>What one kernel cannot answer is a word in its place: the others do not suffer.</summary>
    private async Task<(SelectedKernel, T?, string?)> AskAsync<T>(SelectedKernel kernel, ModuleSelection selection, Func<SelectedKernel, CoreTarget, Task<T>> question, CancellationToken cancellation)
        where T : class
    {
        try
        {
            using var opened = await kernels.OpenAsync(kernel.Publication, cancellation);
            var target = new CoreTarget(opened.Blob, await modules.OpenAsync(kernel.Publication, selection, opened.Blob, cancellation));
            return (kernel, await question(kernel, target), null);
        }
        catch (Exception failure) when (failure is MalformedInputException or BlobStoreException)
        {
            return (kernel, null, failure.Message);
        }
    }

    private static async IAsyncEnumerable<T> InOrderAsync<T>(IEnumerable<SelectedKernel> selected, Func<SelectedKernel, Task<T>> work)
    {
        var running = new Queue<Task<T>>();
        try
        {
            foreach (var kernel in selected)
            {
                running.Enqueue(Task.Run(() => work(kernel)));
                if (running.Count >= Ahead)
                    yield return await running.Dequeue();
            }
            while (running.TryDequeue(out var next))
                yield return await next;
        }
        finally
        {
            // Nobody looks at what was begun for a client that went away.
            await Task.WhenAll(running).ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }
}
