using System.CommandLine;
using System.CommandLine.Invocation;
using Archive.Extractor.Commands;

var parsed = new RootCommand("Makes BTF of kernel packages.") { ExtractCommand.Create() }.Parse(args);
var status = await parsed.InvokeAsync();
return parsed.Action is ParseErrorAction ? ExtractCommand.BadUsage : status;
