using Benchmarks;

return BenchmarkCommand.Create().Parse(args).Invoke();
