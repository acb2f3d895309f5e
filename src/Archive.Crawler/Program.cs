using System.CommandLine;
using Archive.Crawler.Commands;

var root = new RootCommand("Crawls distros' repositories and publishes the BTF of their kernels; imports what other archives have.") { CrawlCommand.Create(), ImportCommand.Create() };
var parsed = root.Parse(args);

// System.CommandLine answers a wrong command line with 1, which means failed kernels here.
var status = await parsed.InvokeAsync();
return parsed.Errors.Count > 0 ? 2 : status;
