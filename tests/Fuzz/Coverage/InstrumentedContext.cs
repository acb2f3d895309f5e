using System.Reflection;
using System.Runtime.Loader;

namespace Fuzz.Coverage;

/// <summary>
/// Loads this program once more, with the assemblies under test instrumented; everything else comes from where it always does.
/// The files on disk stay as they are.
/// </summary>
internal sealed class InstrumentedContext : AssemblyLoadContext
{
    private static readonly string[] UnderTest = ["Btf", "Archive.Extractor", "Archive.Crawler"];
    private readonly string _folder = Path.GetDirectoryName(typeof(InstrumentedContext).Assembly.Location)!;
    private int _blocks;

    private InstrumentedContext()
        : base("instrumented")
    {
    }

    /// <summary>Calls <see cref="FuzzCommand.Run"/> of the program that was loaded anew.</summary>
    public static int Run(string[] arguments)
    {
        var context = new InstrumentedContext();
        foreach (var name in UnderTest)
            context.LoadFromAssemblyName(new AssemblyName(name));
        var program = context.LoadFromAssemblyPath(typeof(InstrumentedContext).Assembly.Location);
        program.GetType(typeof(BlockHits).FullName!)!.GetProperty(nameof(BlockHits.Blocks), BindingFlags.NonPublic | BindingFlags.Static)!
            .SetValue(null, context._blocks);
        return (int)program.GetType(typeof(FuzzCommand).FullName!)!.GetMethod(nameof(FuzzCommand.Run))!.Invoke(null, [arguments])!;
    }

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var path = Path.Combine(_folder, assemblyName.Name + ".dll");
        if (UnderTest.Contains(assemblyName.Name))
            return LoadFromStream(new MemoryStream(BlockInstrumenter.Instrument(path, ref _blocks)));
        // What refers to the assemblies under test has to refer to these ones.
        return assemblyName.Name is "Fuzz" or "Archive.Store" ? LoadFromAssemblyPath(path) : null;
    }
}
