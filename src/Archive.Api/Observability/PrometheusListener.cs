using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using Tags = System.ReadOnlySpan<System.Collections.Generic.KeyValuePair<string, object?>>;

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
    private readonly ConcurrentDictionary<Instrument, Family> _families = new();
    private int _count;
    private long _dropped;

    public PrometheusListener()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Meters.Contains(instrument.Meter.Name))
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument, static i => new Family(i)));
        };
        _listener.SetMeasurementEventCallback<int>((_, value, tags, family) => Record((Family)family!, value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, family) => Record((Family)family!, value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, family) => Record((Family)family!, value, tags));
        _listener.Start();
    }

    public string Write()
    {
        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        foreach (var family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal))
            family.Write(text);
        return text.Append(CultureInfo.InvariantCulture, $"# TYPE btf_archive_dropped_series_total counter\nbtf_archive_dropped_series_total {Interlocked.Read(ref _dropped)}\n").ToString();
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>Several times a request: nothing is allocated for a series that is there.</summary>
    private void Record(Family family, double value, Tags tags)
    {
        if (family.Find(tags) is { } series)
            series.Record(value, family.IsObservable);
        else if (Interlocked.Increment(ref _count) <= MaxSeries)
            family.Add(tags).Record(value, family.IsObservable);
        else
            Interlocked.Increment(ref _dropped);
    }

    /// <summary>The series of one instrument, by the values of their tags.</summary>
    private sealed class Family
    {
        private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], Series> _series = new(TagComparer.Instance);
        private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], Series>.AlternateLookup<Tags> _byTags;
        private readonly string _type;

        public Family(Instrument instrument)
        {
            _byTags = _series.GetAlternateLookup<Tags>();
            _type = instrument switch
            {
                Histogram<double> or Histogram<long> => "histogram",
                Counter<long> or Counter<int> or Counter<double> or ObservableCounter<long> or ObservableCounter<double> => "counter",
                _ => "gauge",
            };
            Name = NameOf(instrument);
            IsObservable = instrument.IsObservable;
        }

        public string Name { get; }

        public bool IsObservable { get; }

        public Series? Find(Tags tags) => _byTags.TryGetValue(tags, out var series) ? series : null;

        public Series Add(Tags tags) => _series.GetOrAdd(tags.ToArray(), static (tags, type) => new Series(LabelsOf(tags), type == "histogram"), _type);

        public void Write(StringBuilder text)
        {
            if (_series.IsEmpty)
                return;
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {Name} {_type}\n");
            foreach (var series in _series.Values)
                series.Write(text, Name);
        }

        /// <summary>As the OpenTelemetry project maps names: the unit is spelled out and appended, counters end in _total.</summary>
        private string NameOf(Instrument instrument)
        {
            var name = Plain(instrument.Name);
            var unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
            if (!name.EndsWith(unit, StringComparison.Ordinal))
                name += unit;
            return _type == "counter" ? name + "_total" : name;
        }

        private static string LabelsOf(Tags tags)
        {
            var text = new StringBuilder();
            foreach (var (name, value) in tags)
                text.Append(text.Length > 0 ? "," : "").Append(Plain(name)).Append("=\"").Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")).Append('"');
            return text.ToString();
        }

        private static string Escape(string value) =>
            value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

        private static string Plain(string name) => string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
    }

    private sealed class TagComparer : IEqualityComparer<KeyValuePair<string, object?>[]>, IAlternateEqualityComparer<Tags, KeyValuePair<string, object?>[]>
    {
        public static readonly TagComparer Instance = new();

        public KeyValuePair<string, object?>[] Create(Tags tags) => tags.ToArray();

        public bool Equals(Tags tags, KeyValuePair<string, object?>[] other)
        {
            if (tags.Length != other.Length)
                return false;
            for (var i = 0; i < other.Length; i++)
            {
                if (tags[i].Key != other[i].Key || !Equals(tags[i].Value, other[i].Value))
                    return false;
            }
            return true;
        }

        public bool Equals(KeyValuePair<string, object?>[]? one, KeyValuePair<string, object?>[]? other) => one is null ? other is null : other is not null && Equals(one.AsSpan(), other);

        /// <summary>By the values: the names of an instrument's tags are the same each time.</summary>
        public int GetHashCode(Tags tags)
        {
            var hash = new HashCode();
            foreach (var tag in tags)
                hash.Add(tag.Value);
            return hash.ToHashCode();
        }

        public int GetHashCode(KeyValuePair<string, object?>[] tags) => GetHashCode(tags.AsSpan());
    }

    private sealed class Series(string labels, bool isHistogram)
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

        public void Write(StringBuilder text, string name)
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
