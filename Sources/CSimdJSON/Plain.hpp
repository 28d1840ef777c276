// The short way for plain messages: events as most publishers write them, flat, of ASCII, numbers only. It takes a strict
// part of JSON and gives exactly what the long way gives; whatever else it meets, it says so and simdjson has its turn.
#pragma once
#include "Leaves.hpp"

#include <charconv>

namespace {

class Plain : Leaves {
public:
  /// The message is not plain.
  static constexpr int32_t other = -1;

  Plain(csj_sink &sink, const csj_options &options)
      : Leaves(sink, options), at(sink.bytes), end(sink.bytes + sink.message_length) {}

  int32_t walk() {
    skip_spaces();
    if (*at != '[') {
      const int32_t status = event();
      if (status != CSJ_OK) return status;
    } else {
      do {
        at++;
        skip_spaces();
        const int32_t status = event();
        if (status != CSJ_OK) return status;
        skip_spaces();
      } while (*at == ',');
      if (*at != ']') return other;
      at++;
    }
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    return at == end ? CSJ_OK : other;
  }

private:
  // Reading at `end` is safe and meets a space: the padding.
  const uint8_t *at;
  const uint8_t *const end;

  simdjson_inline void skip_spaces() {
    while (*at == ' ' && at < end) at++;
  }

  int32_t event() {
    if (*at != '{') return other;
    if (sink.events_count == sink.events_capacity) return CSJ_GROW_EVENTS;
    begin();
    foretell();
    bool has_values = false;
    do {
      at++;
      Piece key;
      if (!name(key)) return other;
      const int32_t status = member(key, has_values);
      if (status != CSJ_OK) return status;
      skip_spaces();
    } while (*at == ',');
    if (*at != '}') return other;
    at++;
    return close(has_values, agreed > 0 && sink.values_count - current.first_value == agreed &&
                                 agreed == foretold_end - foretold);
  }

  // MARK: Names as in the event before

  // The values of the event before, unless they are positional, and how many of this one's names are the same.
  uint32_t foretold = 0, foretold_end = 0, agreed = 0;
  bool is_foretold = false;

  void foretell() {
    agreed = foretold = foretold_end = 0;
    if (sink.events_count == 0) return;
    const csj_event &last = sink.events[sink.events_count - 1];
    if (last.flags & CSJ_POSITIONAL) return;
    foretold = last.first_value;
    foretold_end = foretold + last.value_count;
  }

  /// Whether the name of the same value of the event before, with quotes and colon, stands here: then no need to search
  /// for its end.
  simdjson_inline bool foretold_name(Piece &piece) {
#if defined(__SSE2__)
    const uint32_t next = foretold + (sink.values_count - current.first_value);
    if (next >= foretold_end) return false;
    const uint32_t length = sink.name_lengths[next];
    if (length > 13) return false;
    const uint8_t *known = sink.bytes + sink.name_offsets[next] - 1;
    const __m128i there = _mm_loadu_si128(reinterpret_cast<const __m128i *>(known));
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
    const unsigned same = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(there, here)));
    if ((~same & ((1u << (length + 3)) - 1)) != 0 || at[length + 2] != ':') return false;
    piece = Piece{offset_of(at + 1), length};
    at += length + 3;
    return true;
#else
    return false;
#endif
  }

  int32_t member(Piece key, bool &has_values) {
    Piece text;
    const uint8_t *word = sink.bytes + key.offset;
    switch (key.length) {
    case 2:
      if (memcmp(word, "ts", 2) == 0) return number(current.timestamp) ? CSJ_OK : other;
      break;
    case 3:
      if (memcmp(word, "seq", 3) == 0) return sequence();
      break;
    case 5:
      if (memcmp(word, "epoch", 5) == 0) {
        if (!string(text)) return other;
        current.epoch = csj_hash(sink.bytes + text.offset, text.length, options.seed);
        current.flags |= CSJ_HAS_EPOCH;
        return CSJ_OK;
      }
      break;
    case 6:
      if (memcmp(word, "stream", 6) == 0) {
        if (!string(text)) return other;
        current.stream_offset = text.offset;
        current.stream_length = text.length;
        return CSJ_OK;
      }
      if (memcmp(word, "values", 6) == 0) {
        has_values = true;
        return values();
      }
      break;
    default: break;
    }
    double value;
    if (!number(value)) return other;
    agreed += is_foretold && !is_mute;
    return put(key, value);
  }

  int32_t values() {
    const bool is_positional = *at == '[';
    if (!is_positional && *at != '{') return other;
    begin_values(is_positional);
    agreed = 0;
    do {
      at++;
      Piece key{0, 0};
      if (is_positional) {
        skip_spaces();
      } else if (!name(key)) {
        return other;
      }
      double value;
      if (!number(value)) return other;
      const int32_t status = put(key, value);
      if (status != CSJ_OK) return status;
      agreed += is_foretold && !is_positional;
      skip_spaces();
    } while (*at == ',');
    if (*at != (is_positional ? ']' : '}')) return other;
    at++;
    is_mute = true;
    return CSJ_OK;
  }

  int32_t sequence() {
    const uint8_t *start = at;
    uint64_t value = 0;
    while (is_digit(*at)) value = value * 10 + (*at++ - '0');
    const auto digits = at - start;
    // Twenty digits might be too many.
    if (digits == 0 || digits > 19 || (digits > 1 && *start == '0') || !is_after_number()) return other;
    current.seq = value;
    current.flags |= CSJ_HAS_SEQ;
    return CSJ_OK;
  }

  /// A key with its colon, and the spaces around both.
  simdjson_inline bool name(Piece &piece) {
    skip_spaces();
    is_foretold = foretold_name(piece);
    if (is_foretold) {
      skip_spaces();
      return true;
    }
    if (!string(piece) || piece.length > options.max_name_length) return false;
    skip_spaces();
    if (*at != ':') return false;
    at++;
    skip_spaces();
    return true;
  }

  /// A string of printable ASCII without escapes.
  simdjson_inline bool string(Piece &piece) {
    if (*at != '"') return false;
    at++;
    const uint8_t *start = at;
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(' ');
    for (;; at += 16) {
      if (at >= end) return false;
      const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
      // As signed numbers, bytes beyond ASCII are below the blank as well.
      const __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(chunk, backslash), _mm_cmplt_epi8(chunk, blank));
      const unsigned hits =
          static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(chunk, quote), odd)));
      if (hits != 0) {
        at += __builtin_ctz(hits);
        break;
      }
    }
#else
    while (at < end && *at != '"' && *at != '\\' && *at >= ' ' && *at < 0x80) at++;
#endif
    if (at >= end || *at != '"') return false;
    piece = Piece{offset_of(start), static_cast<uint32_t>(at - start)};
    at++;
    return true;
  }

  static simdjson_inline bool is_digit(uint8_t byte) { return static_cast<uint8_t>(byte - '0') < 10; }

  simdjson_inline bool is_after_number() const { return *at == ',' || *at == '}' || *at == ']' || *at == ' '; }

  /// A JSON number, to the nearest double. Exact by one division where digits and power of ten are exact doubles
  /// (Clinger, "How to Read Floating Point Numbers Accurately"); the standard library reads the others.
  simdjson_inline bool number(double &value) {
    static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                        1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    const uint8_t *start = at;
    const bool is_negative = *at == '-';
    at += is_negative;
    const uint8_t *whole = at;
    uint64_t mantissa = 0;
    long digits, places = 0;
    Short brief;
    if (brief.look(at)) {
      digits = brief.digits;
      places = brief.places;
      mantissa = brief.mantissa;
      at += brief.length;
      // The digits before the point: a leading 0 stands alone.
      if (digits - places > 1 && *whole == '0') return false;
    } else {
      while (is_digit(*at)) mantissa = mantissa * 10 + (*at++ - '0');
      digits = at - whole;
      if (digits == 0 || (digits > 1 && *whole == '0')) return false;
      if (*at == '.') {
        const uint8_t *fraction = ++at;
        while (is_digit(*at)) mantissa = mantissa * 10 + (*at++ - '0');
        places = at - fraction;
        if (places == 0) return false;
        digits += places;
      }
    }
    if (digits <= 19 && mantissa <= 1ull << 53 && is_after_number()) {
      value = static_cast<double>(static_cast<int64_t>(mantissa)) / powers[places];
      if (is_negative) value = -value;
      return true;
    }
    return long_number(start, value);
  }

  /// Digits with or without a point, at most eight bytes of both and what ends them: read at once.
  struct Short {
    uint64_t mantissa;
    long digits, places, length;

    /// False when it is longer, or no number.
    simdjson_inline bool look(const uint8_t *text) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
      constexpr uint64_t each = 0x0101010101010101ull;
      uint64_t word;
      memcpy(&word, text, 8);
      word ^= '0' * each;  // digits become 0 to 9
      // The top bit of every byte that is more.
      uint64_t others = (((word & 0x7f * each) + 0x76 * each) | word) & 0x80 * each;
      if (others == 0) return false;
      const int first = __builtin_ctzll(others) & ~7;  // in bits, like all that follows
      if (first == 0) return false;
      int end = first;
      places = 0;
      if ((word >> first & 0xff) == ('.' ^ '0')) {
        others &= others - 1;
        if (others == 0) return false;
        end = __builtin_ctzll(others) & ~7;
        places = (end - first) / 8 - 1;
        if (places == 0) return false;
        const uint64_t before = (1ull << first) - 1;
        word = (word & before) | (word >> 8 & ~before);
        length = end / 8;
        end -= 8;
      } else {
        length = end / 8;
      }
      digits = end / 8;
      // The last digit goes to the top, zeros before the first; then pairs, fours, all eight.
      word <<= 64 - end;
      word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ffull;
      word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffffull;
      mantissa = (word * 10000 + (word >> 32)) & 0xffffffffull;
      return true;
#else
      return false;
#endif
    }
  };

  /// From an exponent, or of many digits; `at` stands behind the fraction.
  bool long_number(const uint8_t *start, double &value) {
    if ((*at | 0x20) == 'e') {
      at++;
      at += *at == '-' || *at == '+';
      if (!is_digit(*at)) return false;
      while (is_digit(*at)) at++;
    }
    if (!is_after_number() || at > end) return false;
    const auto result =
        std::from_chars(reinterpret_cast<const char *>(start), reinterpret_cast<const char *>(at), value);
    return result.ec == std::errc() && result.ptr == reinterpret_cast<const char *>(at);
  }
};

}  // namespace
