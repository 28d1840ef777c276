#pragma once
#include "Clones.h"
#include <stdint.h>
#include <string.h>

// Polynomials after Cephes (Moshier 1992), written without branches so that loops over them vectorise.

INLINE float from_bits(uint32_t u) {
  float f;
  memcpy(&f, &u, 4);
  return f;
}
INLINE uint32_t bits_of(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  return u;
}
INLINE float absolute(float x) { return from_bits(bits_of(x) & 0x7fffffffu); }

// x = k ln 2 + r, |r| <= ln 2 / 2; gives e^r - 1 and k (two's complement). Good for |x| < 2^21.
INLINE float reduced_expm1(float x, uint32_t *k) {
  const float magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer in the low bits
  float shifted = x * 1.44269504088896341f + magic;
  *k = bits_of(shifted) - 0x4b400000u;
  float n = shifted - magic;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float q = 1.9875691500e-4f;
  q = q * r + 1.3981999507e-3f;
  q = q * r + 8.3334519073e-3f;
  q = q * r + 4.1665795894e-2f;
  q = q * r + 1.6666665459e-1f;
  q = q * r + 5.0000001201e-1f;
  return q * (r * r) + r;
}

INLINE float exponential(float x) {
  float c = x > 90.0f ? 90.0f : x;
  c = c < -105.0f ? -105.0f : c;
  uint32_t k;
  float p = reduced_expm1(c, &k) + 1.0f;
  // 2^k in two factors: results below the normal range and above 2^127 come out right.
  uint32_t half = (uint32_t)((int32_t)k >> 1);
  return p * from_bits((half + 127u) << 23) * from_bits((k - half + 127u) << 23);
}

// The same where results below the normal range do not matter: arithmetic on those is slow.
INLINE float normal_exponential(float x) {
  float c = x > 88.0f ? 88.0f : x;
  c = c < -87.0f ? -87.0f : c;
  uint32_t k;
  float p = reduced_expm1(c, &k) + 1.0f;
  return p * from_bits((k + 127u) << 23);
}

INLINE float hyperbolic_tangent(float x) {
  float a = absolute(x);
  a = a > 10.0f ? 10.0f : a;
  uint32_t k;
  float p = reduced_expm1(2.0f * a, &k);
  float s = from_bits((k + 127u) << 23);
  float em = s * p + (s - 1.0f);  // e^2a - 1, accurate near 0
  float t = em / (em + 2.0f);
  return from_bits(bits_of(t) | (bits_of(x) & 0x80000000u));
}

INLINE float logistic(float x) {
  float y = 1.0f / (1.0f + normal_exponential(-x));
  return x < -88.0f ? 0.0f : y;
}

// max(x, 0) + log(1 + e^-|x|), the latter as 2 artanh(t / (2 + t))
INLINE float soft_plus(float x) {
  float a = absolute(x);
  float t = normal_exponential(-a);
  t = a > 87.0f ? 0.0f : t;
  float s = t / (2.0f + t);
  float root = s < 1e-18f ? 1e-18f : s;  // the square stays in the normal range: arithmetic below it is slow
  float z = root * root;
  float p = 2.0f / 15.0f;
  p = p * z + 2.0f / 13.0f;
  p = p * z + 2.0f / 11.0f;
  p = p * z + 2.0f / 9.0f;
  p = p * z + 2.0f / 7.0f;
  p = p * z + 2.0f / 5.0f;
  p = p * z + 2.0f / 3.0f;
  p = s * (p * z + 2.0f);
  float positive = x < 0.0f ? 0.0f : x;
  return positive + p;
}

// x = 2^e (1 + m) with 1 + m in [√½, √2), for x above 0 in the normal range; gives m.
INLINE float mantissa(float x, float *e) {
  uint32_t u = bits_of(x);
  float m = from_bits((u & 0x007fffffu) | 0x3f000000u);  // [0.5, 1)
  int low = m < 0.707106781186547524f;
  *e = (float)((int32_t)((u >> 23) & 0xffu) - (low ? 127 : 126));
  return low ? m + m - 1.0f : m - 1.0f;
}
// log(1 + m) = m - m²/2 + this
INLINE float log_rest(float m) {
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  return p * m * (m * m);
}

INLINE float logarithm(float x) {
  int tiny = x < 1.17549435e-38f;
  float e, m = mantissa(tiny ? x * 8388608.0f : x, &e);
  e = e - (tiny ? 23.0f : 0.0f);
  float r = log_rest(m) + e * -2.12194440e-4f;
  r = r - 0.5f * (m * m);
  r = m + r;
  r = r + e * 0.693359375f;
  r = x < 0.0f ? __builtin_nanf("") : r;
  r = x == 0.0f ? -__builtin_inff() : r;
  return x < __builtin_inff() ? r : x;  // +inf and NaN pass
}

INLINE float sign_of(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }

// Two polynomials meeting at 475/512 (after N. Juffa); about 1.1 ulp.
INLINE float error_function(float x) {
  float t = absolute(x), s = x * x;
  t = t > 4.5f ? 4.5f : t;  // erf is 1 there
  float u = -1.72853470e-5f * t + 3.83197126e-4f;
  float v = -3.88396438e-3f * t + 2.42546219e-2f;
  float w = t * t;
  u = u * w + v;
  u = u * t - 1.06777877e-1f;
  u = u * t - 6.34846687e-1f;
  u = u * t - 1.28717512e-1f;
  u = u * t - t;
  u = 1.0f - normal_exponential(u);
  u = from_bits(bits_of(u) | (bits_of(x) & 0x80000000u));
  float r = -5.96761703e-4f;
  r = r * s + 4.99119423e-3f;
  r = r * s - 2.67681349e-2f;
  r = r * s + 1.12819925e-1f;
  r = r * s - 3.76125336e-1f;
  r = r * s + 1.28379166e-1f;
  r = r * x + x;
  r = absolute(x) > 0.927734375f ? u : r;
  return x != x ? x : r;
}

// On [-π/4, π/4].
INLINE float sine_part(float r) {
  float z = r * r;
  return ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
}
INLINE float cosine_part(float r) {
  float z = r * r;
  return ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
}

// x = q π/2 + r in three parts (Cody and Waite): good to about 2 ulp for |x| < 10⁵. A quarter turn ahead for cosine.
INLINE float sine_ahead(float x, uint32_t ahead) {
  const float magic = 12582912.0f;
  float shifted = x * 0.636619772367581343f + magic;
  uint32_t q = bits_of(shifted) + ahead;
  float n = shifted - magic;
  float r = x - n * 1.5703125f;
  r = r - n * 4.837512969970703e-4f;
  r = r - n * 7.549789948768648e-8f;
  float y = (q & 1) ? cosine_part(r) : sine_part(r);
  return from_bits(bits_of(y) ^ ((q & 2) << 30));
}

// Φ(x), the standard normal distribution function
INLINE float normal_cdf(float x) { return 0.5f * (1.0f + error_function(x * 0.707106781186547524f)); }
INLINE float normal_density(float x) { return 0.398942280401432678f * normal_exponential(-0.5f * x * x); }

// Hendrycks & Gimpel 2016: x Φ(x), and its form by tanh
INLINE float gelu_value(float x) { return x * normal_cdf(x); }
INLINE float gelu_slope(float x) { return normal_cdf(x) + x * normal_density(x); }
INLINE float gelu_tanh_value(float x) {
  float t = hyperbolic_tangent(0.797884560802865356f * (x + 0.044715f * x * x * x));
  return 0.5f * x * (1.0f + t);
}
INLINE float gelu_tanh_slope(float x) {
  float t = hyperbolic_tangent(0.797884560802865356f * (x + 0.044715f * x * x * x));
  float inner = 0.797884560802865356f * (1.0f + 3.0f * 0.044715f * x * x);
  return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner;
}
INLINE float silu_slope(float x) {
  float s = logistic(x);
  return s * (1.0f + x * (1.0f - s));
}

// Rows go by whole vectors of sixteen. Where the last is not full it begins earlier and goes over numbers again: ends
// that go number by number would cost as much as the rest of a short row. That one is computed before others are
// written: rows may be changed in place.
#define SIXTEEN(j) _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)") \
  for (int j = 0; j < LANES; j++)

// The largest of a row; NaN is passed over.
INLINE float largest(size_t n, const float *x) {
  float lane[LANES];
  if (n < LANES) {
    float top = -__builtin_inff();
    for (size_t c = 0; c < n; c++) top = x[c] > top ? x[c] : top;
    return top;
  }
  for (int j = 0; j < LANES; j++) lane[j] = -__builtin_inff();
  for (size_t c = 0; c + LANES <= n; c += LANES)
    for (int j = 0; j < LANES; j++) lane[j] = x[c + j] > lane[j] ? x[c + j] : lane[j];
  for (int j = 0; j < LANES; j++) lane[j] = x[n - LANES + j] > lane[j] ? x[n - LANES + j] : lane[j];
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
  return lane[0];
}

INLINE float inner_product(size_t n, const float *x, const float *y) {
  float lane[LANES] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += x[c + j] * y[c + j];
  if (n < LANES) {
    for (size_t c = 0; c < n; c++) lane[c] += x[c] * y[c];
  } else if (n > whole) {
    const float *a = x + n - LANES, *b = y + n - LANES;
    int twice = (int)(LANES - (n - whole));
    for (int j = 0; j < LANES; j++) lane[j] += j < twice ? 0.0f : a[j] * b[j];
  }
  return lanes_total(lane);
}

// x = factor x
INLINE void scale_row(size_t n, float factor, float *x) {
  if (n < LANES) {
    for (size_t c = 0; c < n; c++) x[c] *= factor;
    return;
  }
  float rest[LANES];
  for (int j = 0; j < LANES; j++) rest[j] = x[n - LANES + j] * factor;
  for (size_t c = 0; c + LANES <= n; c += LANES)
    for (int j = 0; j < LANES; j++) x[c + j] *= factor;
  memcpy(x + n - LANES, rest, sizeof rest);
}

// y = e^(scale (x - top)), written unless null; returns the sum.
INLINE float exponential_row(size_t n, const float *x, float scale, float top, float *y) {
  float lane[LANES] = {0}, rest[LANES], part[LANES];
  if (n < LANES) {
    for (int j = 0; j < LANES; j++) rest[j] = -200.0f;
    for (size_t c = 0; c < n; c++) rest[c] = scale * (x[c] - top);
    SIXTEEN(j) rest[j] = exponential(rest[j]);
    if (y)
      for (size_t c = 0; c < n; c++) y[c] = rest[c];
    return lanes_total(rest);
  }
  int twice = (int)((LANES - n % LANES) % LANES);
  const float *last = x + n - LANES;
  if (twice) SIXTEEN(j) rest[j] = exponential(scale * (last[j] - top));
  for (size_t c = 0; c + LANES <= n; c += LANES) {
    const float *from = x + c;
    SIXTEEN(j) part[j] = exponential(scale * (from[j] - top));
    for (int j = 0; j < LANES; j++) lane[j] += part[j];
    if (y) memcpy(y + c, part, sizeof part);
  }
  if (twice) {
    for (int j = 0; j < LANES; j++) lane[j] += j < twice ? 0.0f : rest[j];
    if (y) memcpy(y + n - LANES, rest, sizeof rest);
  }
  return lanes_total(lane);
}
