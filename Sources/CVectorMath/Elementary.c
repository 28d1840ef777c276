#include "Clones.h"
#include "CVectorMath.h"
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

INLINE float logarithm(float x) {
  int tiny = x < 1.17549435e-38f;
  float y = tiny ? x * 8388608.0f : x;
  uint32_t u = bits_of(y);
  float e = (float)((int32_t)((u >> 23) & 0xffu) - 126) - (tiny ? 23.0f : 0.0f);
  float m = from_bits((u & 0x007fffffu) | 0x3f000000u);  // [0.5, 1)
  int low = m < 0.707106781186547524f;
  e = low ? e - 1.0f : e;
  m = low ? m + m - 1.0f : m - 1.0f;
  float z = m * m;
  float p = 7.0376836292e-2f;
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  float r = p * m * z;
  r = r + e * -2.12194440e-4f;
  r = r - 0.5f * z;
  r = m + r;
  r = r + e * 0.693359375f;
  r = x < 0.0f ? __builtin_nanf("") : r;
  r = x == 0.0f ? -__builtin_inff() : r;
  return x < __builtin_inff() ? r : x;  // +inf and NaN pass
}

CLONES void vm_exp(size_t n, const float *x, float *y) {
  EACH(i, n) y[i] = exponential(x[i]);
}
CLONES void vm_log(size_t n, const float *x, float *y) {
  EACH(i, n) y[i] = logarithm(x[i]);
}
CLONES void vm_tanh(size_t n, const float *x, float *y) {
  EACH(i, n) y[i] = hyperbolic_tangent(x[i]);
}
CLONES void vm_sigmoid(size_t n, const float *x, float *y) {
  EACH(i, n) y[i] = logistic(x[i]);
}
CLONES void vm_softplus(size_t n, const float *x, float *y) {
  EACH(i, n) y[i] = soft_plus(x[i]);
}
CLONES void vm_bias_tanh_rows(size_t rows, size_t columns, const float *bias, float *y) {
  for (size_t r = 0; r < rows; r++, y += columns)
    EACH(c, columns) y[c] = hyperbolic_tangent(y[c] + bias[c]);
}
CLONES void vm_bias_sigmoid_rows(size_t rows, size_t columns, const float *bias, float *y) {
  for (size_t r = 0; r < rows; r++, y += columns)
    EACH(c, columns) y[c] = logistic(y[c] + bias[c]);
}
INLINE float softplus_row(size_t columns, const float *bias, const float *x) {
  lanes16 sum = 0;
  for (size_t c = 0; c < columns; c += LANES) {
    float part[LANES];
    size_t count = columns - c < LANES ? columns - c : LANES;
    if (count < LANES)
      for (size_t j = 0; j < LANES; j++) part[j] = -200.0f;  // its softplus is 0
    if (count == LANES) {
      EACH(j, LANES) part[j] = soft_plus(bias ? x[c + j] + bias[c + j] : x[c + j]);
    } else {
      for (size_t j = 0; j < count; j++) part[j] = bias ? x[c + j] + bias[c + j] : x[c + j];
      EACH(j, LANES) part[j] = soft_plus(part[j]);
    }
    LOAD16(soft, part);
    sum += soft;
  }
  return vector_total(&sum);
}

CLONES void vm_bias_softplus_sum_rows(size_t rows, size_t columns, const float *bias, const float *x, float *sum) {
  if (bias)
    for (size_t r = 0; r < rows; r++) sum[r] = softplus_row(columns, bias, x + r * columns);
  else
    for (size_t r = 0; r < rows; r++) sum[r] = softplus_row(columns, 0, x + r * columns);
}
