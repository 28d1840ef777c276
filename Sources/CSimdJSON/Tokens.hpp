// Looks at single tokens of a message that simdjson's first stage has found to be well-formed in its strings.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace {

/// Bytes up to the closing quote; `escaped` tells whether there is a backslash before it. Stage 1 has checked that the
/// string is closed, and the padding bounds what is read beyond it.
uint32_t string_length(const uint8_t *text, bool &escaped) {
  const uint8_t *at = text;
  escaped = false;
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  for (;; at += 16) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
    const unsigned hits = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash))));
    if (hits != 0) {
      at += __builtin_ctz(hits);
      break;
    }
  }
#else
  while (*at != '"' && *at != '\\') at++;
#endif
  if (*at == '"') return static_cast<uint32_t>(at - text);
  escaped = true;
  while (*at != '"') at += *at == '\\' ? 2 : 1;
  return static_cast<uint32_t>(at - text);
}

/// RFC 8259's number, all of it: what a number out of a double's range looks like.
bool is_number(std::string_view token) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < token.size() && token[i] >= '0' && token[i] <= '9') i++;
    return i - start;
  };
  if (i < token.size() && token[i] == '-') i++;
  const size_t start = i, whole = digits();
  if (whole == 0 || (whole > 1 && token[start] == '0')) return false;
  if (i < token.size() && token[i] == '.') {
    i++;
    if (digits() == 0) return false;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    i++;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) i++;
    if (digits() == 0) return false;
  }
  return i == token.size();
}

std::string_view trimmed(std::string_view token) {
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
  return token;
}

}  // namespace
