using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Archive.Api.Endpoints;

/// <summary>Names that filter lists: one that cannot be a name is an error, not an absent filter.</summary>
internal static class FilterNames
{
    private const int MaxPattern = 100, MaxStars = 4;

    /// <returns>What is wrong with them; null where nothing is.</returns>
    public static ProblemHttpResult? Wrong(string? distro, string? version, string? arch, string? unamePattern)
    {
        if (distro is not null && KernelNames.Distro(distro) is null)
            return Problem($"distro '{distro}'");
        if (version is not null && KernelNames.Version(distro, version) is null)
            return Problem($"version '{version}'");
        if (arch is not null && KernelNames.Arch(arch) is null)
            return Problem($"arch '{arch}'");
        // A pattern is tried on every row; each star multiplies what that costs.
        return unamePattern is { Length: > MaxPattern } || unamePattern?.Count(c => c == '*') > MaxStars
            ? TypedResults.Problem($"uname is a pattern of at most {MaxPattern} characters and {MaxStars} stars.", statusCode: StatusCodes.Status400BadRequest, title: "Too long a pattern")
            : null;
    }

    private static ProblemHttpResult Problem(string what) =>
        TypedResults.Problem($"{what} cannot be a name.", statusCode: StatusCodes.Status400BadRequest, title: "Not a name");
}
