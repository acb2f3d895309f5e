using Btf.Cli;

return BtfCommand.Run(args);
