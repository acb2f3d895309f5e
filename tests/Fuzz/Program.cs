using Fuzz;
using Fuzz.Coverage;

return args.Contains("--blind") ? FuzzCommand.Run(args) : InstrumentedContext.Run(args);
