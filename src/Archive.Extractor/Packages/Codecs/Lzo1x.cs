using System.Buffers.Binary;

namespace Archive.Extractor.Packages;

/// <summary>
/// LZO1X, after <c>Documentation/staging/lzo.rst</c> of the kernel. An instruction's meaning depends on its first byte and,
/// below 16, on how many literals the one before it left: none, one to three (in its two lowest bits), or a longer run.
/// </summary>
internal ref struct Lzo1x
{
    private const int LongRun = 4;
    private readonly ReadOnlySpan<byte> _input;
    private readonly Span<byte> _output;
    private int _at;
    private int _to;

    /// <summary>Literals that the last instruction copied: 0 to 3, or <see cref="LongRun"/>.</summary>
    private int _state;

    private string? _problem;

    private Lzo1x(ReadOnlySpan<byte> input, Span<byte> output)
    {
        _input = input;
        _output = output;
    }

    /// <summary>Null if the block is decoded whole, else what is wrong with it.</summary>
    /// <param name="produced">Bytes written to <paramref name="output"/>, also in case of an error.</param>
    public static string? TryDecode(ReadOnlySpan<byte> input, Span<byte> output, out int produced)
    {
        var decoder = new Lzo1x(input, output);
        decoder.First();
        while (decoder._problem is null && decoder.Step())
        {
        }

        produced = decoder._to;
        return decoder._problem ?? (decoder._at == input.Length ? null : "there is more behind the end of the block");
    }

    /// <summary>A first byte above 17 is the length of a run of literals.</summary>
    private void First()
    {
        if (_input.IsEmpty || _input[0] <= 17)
            return;
        var literals = _input[0] - 17;
        _at = 1;
        CopyLiterals(literals);
        _state = Math.Min(literals, LongRun);
    }

    /// <summary>One instruction; false at the end mark.</summary>
    private bool Step()
    {
        int code = Next();
        return code switch
        {
            < 16 when _state == 0 => LiteralRun(code),
            < 16 => NearMatch(code),
            < 32 => FarMatch(code),
            < 64 => LongMatch(code),
            < 128 => ShortMatch(code, 3 + ((code >> 5) & 1)),
            _ => ShortMatch(code, 5 + ((code >> 5) & 3)),
        };
    }

    private bool LiteralRun(int code)
    {
        CopyLiterals(3 + Length(code, 15));
        _state = LongRun;
        return true;
    }

    private bool NearMatch(int code)
    {
        var (length, from) = _state == LongRun ? (3, 2049) : (2, 1);
        return Match((Next() << 2) + ((code >> 2) & 3) + from, length, code & 3);
    }

    private bool FarMatch(int code)
    {
        var length = 2 + Length(code & 7, 7);
        var word = NextWord();
        var distance = 16384 + ((code & 8) << 11) + (word >> 2);
        return distance != 16384 ? Match(distance, length, word & 3) : End(length);
    }

    private bool LongMatch(int code)
    {
        var length = 2 + Length(code & 31, 31);
        var word = NextWord();
        return Match((word >> 2) + 1, length, word & 3);
    }

    private bool ShortMatch(int code, int length) => Match((Next() << 3) + ((code >> 2) & 7) + 1, length, code & 3);

    private bool End(int length)
    {
        if (length != 3)
            _problem = "an end mark of the wrong length";
        return false;
    }

    private bool Match(int distance, int length, int literals)
    {
        if (_problem is not null)
            return false;
        if (distance > _to)
            _problem = "a match before the start of the block";
        else if (length > _output.Length - _to)
            _problem = "a block larger than it says";
        if (_problem is not null)
            return false;
        BackReference.Copy(_output, _to, distance, length);
        _to += length;
        CopyLiterals(literals);
        _state = literals;
        return true;
    }

    private void CopyLiterals(int count)
    {
        if (count > _input.Length - _at)
            _problem ??= "literals past the end of the block";
        if (count > _output.Length - _to)
            _problem ??= "a block larger than it says";
        if (_problem is not null)
            return;
        _input.Slice(_at, count).CopyTo(_output[_to..]);
        _at += count;
        _to += count;
    }

    /// <summary>Zero bits are continued by bytes: zeros for 255 each, and one that is not zero.</summary>
    private int Length(int bits, int most)
    {
        if (bits != 0)
            return bits;
        var length = most;
        // The input has at most 8 MiB, so the sum stays below 2^31.
        while (_at < _input.Length && _input[_at] == 0)
        {
            length += 255;
            _at++;
        }

        return length + Next();
    }

    private int Next()
    {
        if (_at < _input.Length)
            return _input[_at++];
        _problem ??= "an instruction cut off";
        return 0;
    }

    private int NextWord()
    {
        if (_input.Length - _at < 2)
        {
            _problem ??= "an instruction cut off";
            return 0;
        }

        _at += 2;
        return BinaryPrimitives.ReadUInt16LittleEndian(_input[(_at - 2)..]);
    }
}
