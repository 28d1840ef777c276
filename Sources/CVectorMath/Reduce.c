#include "CVectorMath.h"
#include "Elementary.h"

INLINE float join(const int kind, float a, float x) {
  switch (kind) {
  case VM_SUM: return a + x;
  case VM_SUM_SQUARES: return a + x * x;
  case VM_LARGEST: return ((x > a) | (x != x)) ? x : a;
  default: return ((x < a) | (x != x)) ? x : a;
  }
}
INLINE float merge(const int kind, float a, float b) { return kind == VM_SUM_SQUARES ? a + b : join(kind, a, b); }
INLINE float neutral(const int kind) {
  return kind == VM_LARGEST ? -__builtin_inff() : kind == VM_SMALLEST ? __builtin_inff() : 0.0f;
}

INLINE float row(const int kind, size_t n, const float *x) {
  float lane[LANES];
  for (int j = 0; j < LANES; j++) lane[j] = neutral(kind);
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) lane[j] = join(kind, lane[j], x[c + j]);
  for (size_t c = whole; c < n; c++) lane[c - whole] = join(kind, lane[c - whole], x[c]);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lane[j] = merge(kind, lane[j], lane[j + half]);
  return lane[0];
}

// A row of nothing but -∞ (or with +∞ or NaN) has itself as its result.
INLINE float log_sum_row(size_t n, const float *x) {
  float top = row(VM_LARGEST, n, x);
  if (!(absolute(top) < __builtin_inff())) return top;
  return top + logarithm(exponential_row(n, x, 1.0f, top, 0));
}

enum { WIDE = 64 };
// Columns in strips whose running values stay in registers.
INLINE void columns_of(const int kind, size_t n, size_t inner, const float *x, ptrdiff_t step, float factor, float *y,
                       int accumulate) {
  for (size_t from = 0; from < inner; from += WIDE) {
    float run[WIDE];
    size_t width = inner - from < WIDE ? inner - from : WIDE;
    for (int j = 0; j < WIDE; j++) run[j] = neutral(kind);
    const float *p = x + from;
    if (width == WIDE)
      for (size_t k = 0; k < n; k++, p += step)
        for (int j = 0; j < WIDE; j++) run[j] = join(kind, run[j], p[j]);
    else
      for (size_t k = 0; k < n; k++, p += step) EACH(j, width) run[j] = join(kind, run[j], p[j]);
    for (size_t j = 0; j < width; j++) y[from + j] = (accumulate ? y[from + j] : 0.0f) + factor * run[j];
  }
}

INLINE void log_sum_columns(size_t n, size_t inner, const float *x, ptrdiff_t step, float factor, float *y,
                            int accumulate) {
  for (size_t from = 0; from < inner; from += WIDE) {
    float top[WIDE], sum[WIDE] = {0};
    size_t width = inner - from < WIDE ? inner - from : WIDE;
    for (int j = 0; j < WIDE; j++) top[j] = -__builtin_inff();
    for (size_t k = 0; k < n; k++) EACH(j, width) top[j] = join(VM_LARGEST, top[j], x[(ptrdiff_t)k * step + from + j]);
    for (size_t k = 0; k < n; k++) EACH(j, width) sum[j] += exponential(x[(ptrdiff_t)k * step + from + j] - top[j]);
    for (size_t j = 0; j < width; j++) {
      float v = absolute(top[j]) < __builtin_inff() ? top[j] + logarithm(sum[j]) : top[j];
      y[from + j] = (accumulate ? y[from + j] : 0.0f) + factor * v;
    }
  }
}

INLINE void reduce(const int kind, size_t outer, size_t n, size_t inner, const float *x, ptrdiff_t outer_step,
                   ptrdiff_t n_step, float factor, float *y, ptrdiff_t y_step, int accumulate) {
  for (size_t o = 0; o < outer; o++, x += outer_step, y += y_step) {
    if (inner == 1 && n_step == 1) {
      float v = kind == VM_LOG_SUM_EXP ? log_sum_row(n, x) : row(kind, n, x);
      *y = (accumulate ? *y : 0.0f) + factor * v;
    } else if (kind == VM_LOG_SUM_EXP)
      log_sum_columns(n, inner, x, n_step, factor, y, accumulate);
    else
      columns_of(kind, n, inner, x, n_step, factor, y, accumulate);
  }
}

CLONES void vm_reduce(int kind, size_t outer, size_t n, size_t inner, const float *x, ptrdiff_t outer_step,
                      ptrdiff_t n_step, float factor, float *y, ptrdiff_t y_step, int accumulate) {
  switch (kind) {
  case VM_SUM: reduce(VM_SUM, outer, n, inner, x, outer_step, n_step, factor, y, y_step, accumulate); return;
  case VM_SUM_SQUARES:
    reduce(VM_SUM_SQUARES, outer, n, inner, x, outer_step, n_step, factor, y, y_step, accumulate);
    return;
  case VM_LARGEST: reduce(VM_LARGEST, outer, n, inner, x, outer_step, n_step, factor, y, y_step, accumulate); return;
  case VM_SMALLEST: reduce(VM_SMALLEST, outer, n, inner, x, outer_step, n_step, factor, y, y_step, accumulate); return;
  case VM_LOG_SUM_EXP:
    reduce(VM_LOG_SUM_EXP, outer, n, inner, x, outer_step, n_step, factor, y, y_step, accumulate);
    return;
  default: return;
  }
}

// One row of `inner` numbers; for inner = 1 the caller gives the n numbers with one dy.
#define SPREAD(SLOPE)                                                                                              \
  for (size_t o = 0; o < outer; o++, dx += n * inner, x = x ? x + n * inner : x)                                   \
    for (size_t k = 0; k < (inner == 1 ? 1 : n); k++) {                                                            \
      const float *p = x ? x + k * inner : 0, *d = dy + o * inner, *v = y ? y + o * inner : 0;                     \
      float *q = dx + k * inner;                                                                                   \
      (void)p, (void)v;                                                                                            \
      if (inner == 1) {                                                                                            \
        float d0 = factor * d[0], v0 = v ? v[0] : 0.0f;                                                            \
        (void)v0;                                                                                                  \
        EACH(i, n) {                                                                                               \
          float D = d0, Y = v0;                                                                                    \
          (void)Y;                                                                                                 \
          q[i] = (accumulate ? q[i] : 0.0f) + (SLOPE);                                                             \
        }                                                                                                          \
      } else {                                                                                                     \
        EACH(i, inner) {                                                                                           \
          float D = factor * d[i], Y = v ? v[i] : 0.0f;                                                            \
          (void)Y;                                                                                                 \
          q[i] = (accumulate ? q[i] : 0.0f) + (SLOPE);                                                             \
        }                                                                                                          \
      }                                                                                                            \
    }

INLINE void share_extremes(size_t outer, size_t n, size_t inner, const float *x, const float *y, float factor,
                           const float *dy, float *dx, int accumulate) {
  for (size_t o = 0; o < outer; o++)
    for (size_t i = 0; i < inner; i++) {
      const float *p = x + o * n * inner + i;
      float *q = dx + o * n * inner + i, top = y[o * inner + i];
      size_t equal = 0;
      for (size_t k = 0; k < n; k++) equal += p[k * inner] == top;
      float share = equal ? factor * dy[o * inner + i] / (float)equal : 0.0f;
      for (size_t k = 0; k < n; k++)
        q[k * inner] = (accumulate ? q[k * inner] : 0.0f) + (p[k * inner] == top ? share : 0.0f);
    }
}

CLONES void vm_reduce_backward(int kind, size_t outer, size_t n, size_t inner, const float *x, const float *y,
                               float factor, const float *dy, float *dx, int accumulate) {
  switch (kind) {
  case VM_SUM: SPREAD(D) return;
  case VM_SUM_SQUARES: SPREAD(2.0f * p[i] * D) return;
  case VM_LOG_SUM_EXP: SPREAD(exponential(p[i] - Y) * D) return;
  default: share_extremes(outer, n, inner, x, y, factor, dy, dx, accumulate); return;
  }
}

CLONES void vm_argmax(size_t outer, size_t n, size_t inner, const float *x, int32_t *index) {
  for (size_t o = 0; o < outer; o++, x += n * inner, index += inner)
    for (size_t i = 0; i < inner; i++) {
      size_t best = 0;
      for (size_t k = 1; k < n; k++) best = x[k * inner + i] > x[best * inner + i] ? k : best;
      index[i] = (int32_t)best;
    }
}

CLONES void vm_cumulative_sum(size_t outer, size_t n, size_t inner, const float *x, float *y, int reversed,
                              int accumulate) {
  for (size_t o = 0; o < outer; o++, x += n * inner, y += n * inner)
    for (size_t from = 0; from < inner; from += WIDE) {
      float run[WIDE] = {0};
      size_t width = inner - from < WIDE ? inner - from : WIDE;
      for (size_t k = 0; k < n; k++) {
        size_t at = (reversed ? n - 1 - k : k) * inner + from;
        EACH(j, width) {
          run[j] += x[at + j];
          y[at + j] = (accumulate ? y[at + j] : 0.0f) + run[j];
        }
      }
    }
}
