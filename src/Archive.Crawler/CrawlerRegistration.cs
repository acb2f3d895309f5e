using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Archive.Crawler;

public static class CrawlerRegistration
{
    public static IServiceCollection AddCrawler(this IServiceCollection services, IConfiguration configuration) => services;
}
