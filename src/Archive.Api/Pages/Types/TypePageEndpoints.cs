using Archive.Api.Kernels;
using Archive.Api.Objects;
using Archive.Api.Pages.Coverage;
using Archive.Api.Pages.Kernels;
using Archive.Store.Kernels;
using Btf.Format;
using Btf.Text;
using Btf.Text.CSource;
using Btf.Text.Layout;

namespace Archive.Api.Pages.Types;

/// <summary>What is in a kernel: names, types in several views, functions.</summary>
public static class TypePageEndpoints
{
    private const int NamePage = 100, UserPage = 150, MaxName = 512, MaxC = 64 << 10, MaxHistory = 400, MaxOthers = 40;
    private const string KernelPath = "/kernels/{distro}/{version}/{arch}/{uname}";

    /// <summary>How long a page waits for what is not known yet, before it says that it is being worked out.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(60), PatienceOfScript = TimeSpan.FromMilliseconds(600);

    private static readonly string[] Views = ["layout", "c", "users", "history", "compare"], Kinds = ["struct", "union", "enum", "typedef", "func"];

    public static void MapTypePages(this WebApplication app)
    {
        app.Pages().MapGet("/types", async (HttpContext context, KernelRoster rosters, KernelIndex index, TypeNames names) =>
            await SearchAsync(context, await Default(rosters, context.RequestAborted), true, rosters, index, names)).RequireRateLimiting(PagePolicy.Work);
        app.Pages().MapGet("/types/{name}", NewestAsync).RequireRateLimiting(PagePolicy.Work);
        app.Pages().MapGet(KernelPath + "/types", async (HttpContext context, string distro, string version, string arch, string uname, KernelRoster rosters, KernelIndex index, TypeNames names) =>
            KernelNames.Key(distro, version, arch, uname) is { } key ? await SearchAsync(context, key, false, rosters, index, names) : KernelPageEndpoints.NoKernel(distro, version, arch, uname))
            .RequireRateLimiting(PagePolicy.Work);
        app.Pages().MapGet(KernelPath + "/types/{name}", TypeAsync).RequireRateLimiting(PagePolicy.Work);
        app.Pages().MapGet(KernelPath + "/functions/{name}", FunctionAsync).RequireRateLimiting(PagePolicy.Work);
    }

    /// <summary>The type in the newest kernel; where that has none of the name, those like it.</summary>
    private static async Task<IResult> NewestAsync(string name, KernelRoster rosters, KernelIndex index, TypeNames names, CancellationToken cancellation)
    {
        if (await Default(rosters, cancellation) is not { } key || await PublicationOf(index, key, cancellation) is not { } publication)
            return Page.Problem(StatusCodes.Status404NotFound, "No kernel is published yet", "");
        var isThere = name.Length <= MaxName && (await names.FindAsync(publication, name, cancellation)).Count > 0;
        return Results.Redirect(isThere ? Links.Type(key, name) : Links.With("/types", ("q", name[..Math.Min(name.Length, MaxName)])));
    }

    /// <summary>The kernel that types are shown of where none is named: the newest of x86_64, or of any arch.</summary>
    internal static async Task<KernelKey?> Default(KernelRoster rosters, CancellationToken cancellation) => (await rosters.GetAsync(cancellation)).Default;

    private static async Task<IResult> SearchAsync(HttpContext context, KernelKey? key, bool isGlobal, KernelRoster rosters, KernelIndex index, TypeNames names)
    {
        var query = context.Request.Query;
        var (text, kind, page) = (query["q"].ToString().Trim(), CoveragePageEndpoints.Text(query["kind"]), CoveragePageEndpoints.PageOf(query));
        if (isGlobal && CoveragePageEndpoints.Text(query["kernel"]) is { } wanted && wanted.Split('/') is [var distro, var version, var arch, var uname] && KernelNames.Key(distro, version, arch, uname) is { } chosen)
            return Results.Redirect(Links.With(Links.Types(chosen), ("q", text), ("kind", kind)));
        var others = await OthersOf(key, rosters, context.RequestAborted);
        if (key is null)
            return Page.Of<TypeSearchPage>(new TypeSearchModel(null, isGlobal, text, kind, [], 1, false, others));
        if (await PublicationOf(index, key, context.RequestAborted) is not { } publication)
            return KernelPageEndpoints.NoKernel(key.Distro, key.Version, key.Arch, key.Uname);
        if (kind is not null && !Kinds.Contains(kind) || text.Length > MaxName)
            return Page.Problem(StatusCodes.Status400BadRequest, "That cannot be looked for", $"A name has at most {MaxName} characters, and kinds are {string.Join(", ", Kinds)}.");
        var (word, wordKind) = WithoutKind(text);
        var (found, hasMore) = await names.SearchAsync(publication, word, kind ?? wordKind, (page - 1) * NamePage, NamePage, context.RequestAborted);
        return Page.Of<TypeSearchPage>(new TypeSearchModel(key, isGlobal, text, kind, found, page, hasMore, others));
    }

    private static async Task<IResult> TypeAsync(
        HttpContext context, string distro, string version, string arch, string uname, string name, KernelIndex index, KernelRoster rosters, WarmKernels kernels, TypeHistories histories)
    {
        var cancellation = context.RequestAborted;
        if (KernelNames.Key(distro, version, arch, uname) is not { } key || await PublicationOf(index, key, cancellation) is not { } publication)
            return KernelPageEndpoints.NoKernel(distro, version, arch, uname);
        using var opened = await kernels.OpenAsync(publication, cancellation);
        var types = name.Length > MaxName ? [] : TypeDescription.Find(opened.Blob, name);
        if (types.Count == 0)
            return Page.Problem(StatusCodes.Status404NotFound, "No such type", $"{key.Uname} has no type or function called {(name.Length > 80 ? name[..80] + "…" : name)}. Names count case.");
        if (types.All(type => type.Kind == "FUNC"))
            return Results.Redirect(Links.Function(key, name));
        var query = context.Request.Query;
        var view = query["view"].ToString() is { Length: > 0 } asked && Views.Contains(asked) ? asked : "layout";
        var model = new TypeModel(key, name, types, view) { Page = CoveragePageEndpoints.PageOf(query) };
        return Page.Of<TypePage>(view switch
        {
            "c" => model with { C = SourceOf(opened.Blob, types) },
            "users" => UsersOf(model, opened.Blob),
            "history" => model with { History = await HistoryOf(key, name, index, rosters, histories, query.ContainsKey("wait") ? PatienceOfScript : Patience, cancellation) },
            "compare" => await CompareAsync(model, query, index, rosters, kernels, cancellation),
            _ => model,
        });
    }

    private static async Task<IResult> FunctionAsync(
        HttpContext context, string distro, string version, string arch, string uname, string name, KernelIndex index, WarmKernels kernels, Inventories inventories)
    {
        var cancellation = context.RequestAborted;
        if (KernelNames.Key(distro, version, arch, uname) is not { } key || await PublicationOf(index, key, cancellation) is not { } publication)
            return KernelPageEndpoints.NoKernel(distro, version, arch, uname);
        using var opened = await kernels.OpenAsync(publication, cancellation);
        var types = name.Length > MaxName ? [] : TypeDescription.Find(opened.Blob, name).Where(type => type.Kind == "FUNC").ToList();
        var inventory = await inventories.ReadAsync(publication, cancellation);
        var document = FunctionDocument.Of(name, types, inventory);
        return document.Attachable || document.Places is { Count: > 0 }
            ? Page.Of<FunctionPage>(new FunctionModel(key, name, document, inventory is not null))
            : Page.Problem(StatusCodes.Status404NotFound, "No such function", $"{key.Uname} has no function called {(name.Length > 80 ? name[..80] + "…" : name)}.");
    }

    internal static async Task<Publication?> PublicationOf(KernelIndex index, KernelKey key, CancellationToken cancellation) =>
        (await index.BuildsAsync(key, cancellation)).FirstOrDefault(KernelIndex.IsServed)?.Publication;

    /// <summary>"struct page" looks for structs alone.</summary>
    private static (string Word, string? Kind) WithoutKind(string text) => text.Split(' ', 2, StringSplitOptions.TrimEntries) switch
    {
        [var kind, var rest] when Kinds.Contains(kind) => (rest, kind),
        _ => (text, null),
    };

    private static string SourceOf(BtfBlob blob, IReadOnlyList<TypeDescription> types)
    {
        using var text = new StringWriter();
        CDump.Write(blob, types.Where(type => type.Kind != "FUNC").Select(type => type.Id), text);
        return text.Length() <= MaxC ? text.ToString() : text.ToString()[^MaxC..];
    }

    private static int Length(this StringWriter text) => text.GetStringBuilder().Length;

    private static TypeModel UsersOf(TypeModel model, BtfBlob blob)
    {
        var target = model.Types.FirstOrDefault(type => type.Kind is "STRUCT" or "UNION" or "ENUM" or "ENUM64") ?? model.Types[0];
        var (users, count) = TypeUsers.Find(blob, target.Id, (model.Page - 1) * UserPage, UserPage);
        return model with { Users = users, UserCount = count };
    }

    /// <summary>The kernel's branch first, then the newest of each other place.</summary>
    internal static async Task<IReadOnlyList<KernelKey>> OthersOf(KernelKey? key, KernelRoster rosters, CancellationToken cancellation)
    {
        var roster = await rosters.GetAsync(cancellation);
        var branch = key is null ? [] : roster.Find(Place.Of(key))?.Branch(KernelFlavour.Of(key.Uname)).Select(build => build.Key) ?? [];
        var newest = roster.Shelves.Select(shelf => shelf.Builds.FirstOrDefault(build => build.IsServed)?.Key).OfType<KernelKey>();
        return [.. branch.Take(MaxOthers).Concat(newest).Distinct().Take(2 * MaxOthers)];
    }

    private static async Task<TypeHistory> HistoryOf(KernelKey key, string name, KernelIndex index, KernelRoster rosters, TypeHistories histories, TimeSpan patience, CancellationToken cancellation)
    {
        var flavour = KernelFlavour.Of(key.Uname);
        var branch = (await rosters.GetAsync(cancellation)).Find(Place.Of(key))?.Branch(flavour).Take(MaxHistory).ToList() ?? [];
        var kernels = new List<(KernelKey Key, Publication Publication)>();
        foreach (var build in branch)
        {
            if (await PublicationOf(index, build.Key, cancellation) is { } publication)
                kernels.Add((build.Key, publication));
        }
        var shapes = await histories.FindAsync([.. kernels.Select(kernel => kernel.Publication)], name, patience, cancellation);
        var spans = Spans([.. kernels.Zip(shapes).TakeWhile(pair => pair.Second is not null).Select(pair => (pair.First.Key, pair.Second!))]);
        return new TypeHistory($"{Place.Of(key)}{(flavour.Length > 0 ? $" {flavour}" : "")}", spans, shapes.Count(shape => shape is not null), kernels.Count);
    }

    private static List<HistorySpan> Spans(List<(KernelKey Key, TypeShape Shape)> kernels)
    {
        var spans = new List<HistorySpan>();
        foreach (var (key, shape) in kernels)
        {
            if (spans.Count > 0 && spans[^1].Shape == shape)
                spans[^1] = spans[^1] with { Oldest = key, Kernels = spans[^1].Kernels + 1 };
            else
                spans.Add(new HistorySpan(key, key, 1, shape, null, null));
        }
        for (var i = 0; i + 1 < spans.Count; i++)
            spans[i] = spans[i] with { Added = [.. spans[i].Shape.Parts.Except(spans[i + 1].Shape.Parts)], Removed = [.. spans[i + 1].Shape.Parts.Except(spans[i].Shape.Parts)] };
        return spans;
    }

    private static async Task<TypeModel> CompareAsync(TypeModel model, IQueryCollection query, KernelIndex index, KernelRoster rosters, WarmKernels kernels, CancellationToken cancellation)
    {
        model = model with { Others = [.. (await OthersOf(model.Key, rosters, cancellation)).Where(other => other != model.Key)] };
        if (query["with"].ToString().Split('/') is not [var distro, var version, var arch, var uname] || KernelNames.Key(distro, version, arch, uname) is not { } key
            || await PublicationOf(index, key, cancellation) is not { } publication)
            return model;
        using var other = await kernels.OpenAsync(publication, cancellation);
        var rows = DiffRows.Compare(DiffRows.Of(TypeDescription.Find(other.Blob, model.Name)), DiffRows.Of(model.Types));
        var isWhole = query["all"] == "1";
        return model with { Comparison = new TypeComparison(key, isWhole ? rows : DiffRows.Fold(rows), rows.All(row => row.IsSame), isWhole) };
    }
}
