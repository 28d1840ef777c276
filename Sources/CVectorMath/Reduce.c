#include "Clones.h"
#include "CVectorMath.h"

INLINE float join(const int kind, float a, float x) {
  return kind == VM_SUM ? a + x : ((x > a) | (x != x)) ? x : a;
}
INLINE float neutral(const int kind) { return kind == VM_SUM ? 0.0f : -__builtin_inff(); }

INLINE float row(const int kind, size_t n, const float *x) {
  float lane[LANES];
  for (int j = 0; j < LANES; j++) lane[j] = neutral(kind);
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) lane[j] = join(kind, lane[j], x[c + j]);
  for (size_t c = whole; c < n; c++) lane[c - whole] = join(kind, lane[c - whole], x[c]);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lane[j] = join(kind, lane[j], lane[j + half]);
  return lane[0];
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

INLINE void reduce(const int kind, size_t outer, size_t n, size_t inner, const float *x, ptrdiff_t outer_step,
                   ptrdiff_t n_step, float factor, float *y, ptrdiff_t y_step, int accumulate) {
  for (size_t o = 0; o < outer; o++, x += outer_step, y += y_step) {
    if (inner == 1 && n_step == 1)
      *y = (accumulate ? *y : 0.0f) + factor * row(kind, n, x);
    else
      columns_of(kind, n, inner, x, n_step, factor, y, accumulate);
  }
}

CLONES void vm_reduce(int kind, size_t outer, size_t n, size_t inner, const float *x, ptrdiff_t outer_step,
                      ptrdiff_t n_step, float factor, float *y, ptrdiff_t y_step, int accumulate) {
  if (kind == VM_SUM)
    reduce(VM_SUM, outer, n, inner, x, outer_step, n_step, factor, y, y_step, accumulate);
  else
    reduce(VM_LARGEST, outer, n, inner, x, outer_step, n_step, factor, y, y_step, accumulate);
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
