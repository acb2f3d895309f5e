using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Archive.Api.Observability;

/// <summary>
/// Listens to instruments (ours, the web server's, the runtime's) and writes what they measured in Prometheus' text format 0.0.4.
/// The number of series is bounded: what comes beyond it is counted as dropped.
/// </summary>
public sealed class PrometheusListener : IDisposable
{
    private const int MaxSeries = 4000;
    private static readonly double[] Seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300];

    private static readonly HashSet<string> Meters =
        [ArchiveMeter.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.RateLimiting", "System.Runtime"];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<(Instrument Instrument, string Labels), Series> _series = new();
    private long _dropped;

    public PrometheusListener()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (Meters.Contains(instrument.Meter.Name))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var family in _series.GroupBy(s => s.Key.Instrument).OrderBy(f => NameOf(f.Key), StringComparer.Ordinal))
        {
            var name = NameOf(family.Key);
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {TypeOf(family.Key)}\n");
            foreach (var ((_, labels), series) in family)
                series.Write(text, name, labels);
        }
        return text.Append(CultureInfo.InvariantCulture, $"# TYPE btf_archive_dropped_series_total counter\nbtf_archive_dropped_series_total {Interlocked.Read(ref _dropped)}\n").ToString();
    }

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var key = (instrument, LabelsOf(tags));
        if (!_series.TryGetValue(key, out var series))
        {
            if (_series.Count >= MaxSeries)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }
            series = _series.GetOrAdd(key, _ => new Series(TypeOf(instrument) == "histogram"));
        }
        series.Record(value, isTotal: instrument.IsObservable);
    }

    private static string TypeOf(Instrument instrument) => instrument switch
    {
        Histogram<double> or Histogram<long> => "histogram",
        Counter<long> or Counter<int> or Counter<double> or ObservableCounter<long> or ObservableCounter<double> => "counter",
        _ => "gauge",
    };

    /// <summary>As the OpenTelemetry project maps names: the unit is spelled out and appended, counters end in _total.</summary>
    private static string NameOf(Instrument instrument)
    {
        var name = Plain(instrument.Name);
        var unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        if (!name.EndsWith(unit, StringComparison.Ordinal))
            name += unit;
        return TypeOf(instrument) == "counter" ? name + "_total" : name;
    }

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var text = new StringBuilder();
        foreach (var (name, value) in tags)
            text.Append(text.Length > 0 ? "," : "").Append(Plain(name)).Append("=\"").Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")).Append('"');
        return text.ToString();
    }

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Plain(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    private sealed class Series(bool isHistogram)
    {
        private readonly long[] _buckets = isHistogram ? new long[Seconds.Length] : [];
        private readonly Lock _lock = new();
        private long _count;
        private double _sum;

        public void Record(double value, bool isTotal)
        {
            lock (_lock)
            {
                _count++;
                _sum = isTotal ? value : _sum + value;
                if (isHistogram && Array.FindIndex(Seconds, limit => value <= limit) is var bucket and >= 0)
                    _buckets[bucket]++;
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            lock (_lock)
            {
                var braces = labels.Length > 0 ? $"{{{labels}}}" : "";
                if (!isHistogram)
                {
                    text.Append(CultureInfo.InvariantCulture, $"{name}{braces} {_sum}\n");
                    return;
                }
                var separated = labels.Length > 0 ? labels + "," : "";
                long below = 0;
                for (var i = 0; i < Seconds.Length; i++)
                    text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{separated}le=\"{Seconds[i]}\"}} {below += _buckets[i]}\n");
                text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{separated}le=\"+Inf\"}} {_count}\n{name}_sum{braces} {_sum}\n{name}_count{braces} {_count}\n");
            }
        }
    }
}
