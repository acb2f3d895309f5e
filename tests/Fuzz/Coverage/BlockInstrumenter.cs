using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace Fuzz.Coverage;

/// <summary>Rewrites an assembly in memory so that each basic block calls <see cref="BlockHits.Count"/> with its number.</summary>
internal static class BlockInstrumenter
{
    /// <param name="firstBlock">Number of the first block; afterwards one past the last.</param>
    public static byte[] Instrument(string path, ref int firstBlock)
    {
        using var module = ModuleDefinition.ReadModule(path);
        var count = module.ImportReference(typeof(BlockHits).GetMethod(nameof(BlockHits.Count)));
        foreach (var method in module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody))
            Instrument(method.Body, count, ref firstBlock);
        using var output = new MemoryStream();
        module.Write(output);
        return output.ToArray();
    }

    private static void Instrument(MethodBody body, MethodReference count, ref int block)
    {
        body.SimplifyMacros();
        foreach (var leader in Leaders(body))
        {
            // The leader itself becomes the call, so that every branch and handler that names it arrives there.
            var first = body.Instructions.IndexOf(leader);
            var displaced = Instruction.Create(OpCodes.Nop);
            (displaced.OpCode, displaced.Operand) = (leader.OpCode, leader.Operand);
            (leader.OpCode, leader.Operand) = (OpCodes.Ldc_I4, block++);
            body.Instructions.Insert(first + 1, Instruction.Create(OpCodes.Call, count));
            body.Instructions.Insert(first + 2, displaced);
        }
        body.OptimizeMacros();
    }

    /// <summary>First instructions of the basic blocks: targets of branches, what follows a branch, and handlers.</summary>
    private static List<Instruction> Leaders(MethodBody body)
    {
        var leaders = new HashSet<Instruction>(ReferenceEqualityComparer.Instance) { body.Instructions[0] };
        foreach (var instruction in body.Instructions)
        {
            if (instruction.Operand is Instruction target)
                leaders.Add(target);
            if (instruction.Operand is Instruction[] targets)
                leaders.UnionWith(targets);
            if (instruction.OpCode.FlowControl == FlowControl.Cond_Branch && instruction.Next is { } next)
                leaders.Add(next);
        }
        foreach (var handler in body.ExceptionHandlers)
        {
            leaders.Add(handler.HandlerStart);
            if (handler.FilterStart is { } filter)
                leaders.Add(filter);
        }
        return [.. body.Instructions.Where(leaders.Contains)];
    }
}
