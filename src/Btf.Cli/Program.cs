using Btf.Cli;

return BtfCommand.Create().Parse(args).Invoke();
