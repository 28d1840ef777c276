#include "CVectorMath.h"
#include "Elementary.h"

// Rows that share each line of the weights while their hidden units stay in the first cache.
enum { ROWS = 4 };

// The inner products of one line with those of some rows, each summed in the same way whatever their number.
INLINE void inner_products(const int rows, size_t n, const float *v, const float *s, float *sum) {
  lanes16 lane[ROWS] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t k = 0; k < whole; k += LANES) {
    LOAD16(left, v + k);
    for (int r = 0; r < rows; r++) {
      LOAD16(right, s + (size_t)r * n + k);
      lane[r] += left * right;
    }
  }
  for (int r = 0; r < rows; r++) {
    sum[r] = vector_total(&lane[r]);
    for (size_t k = whole; k < n; k++) sum[r] += v[k] * s[(size_t)r * n + k];
  }
}

CLONES void vm_nade(size_t rows, size_t n, size_t hidden, const float *x, const float *w, const float *c,
                    const float *v, const float *b, float *logits, float *sums, float *space) {
  for (size_t first = 0; first < rows; first += ROWS) {
    size_t block = rows - first < ROWS ? rows - first : ROWS;
    for (size_t r = 0; r < block; r++) {
      float *a = sums + (first + r) * hidden, *s = space + r * hidden;
      EACH(k, hidden) {
        a[k] = c[k];
        s[k] = logistic(c[k]);
      }
    }
    for (size_t j = 0; j < n; j++) {
      const float *in = w + j * hidden, *out = v + j * hidden;
      float sum[ROWS];
      if (block == ROWS)
        inner_products(ROWS, hidden, out, space, sum);
      else
        for (size_t r = 0; r < block; r++) inner_products(1, hidden, out, space + r * hidden, sum + r);
      for (size_t r = 0; r < block; r++) {
        float value = x[(first + r) * n + j], *a = sums + (first + r) * hidden, *s = space + r * hidden;
        logits[(first + r) * n + j] = b[j] + sum[r];
        if (value != 0.0f) EACH(k, hidden) {
            float t = a[k] + value * in[k];
            a[k] = t;
            s[k] = logistic(t);
          }
      }
    }
  }
}

CLONES void vm_nade_backward(size_t rows, size_t n, size_t hidden, size_t first, size_t count, const float *x,
                             const float *w, const float *v, const float *sums, const float *d_logits, float *d_w,
                             float *d_c, float *d_v, float *space) {
  float *all_a = space, *all_s = space + ROWS * count, *all_d = space + 2 * ROWS * count;
  for (size_t from = 0; from < rows; from += ROWS) {
    size_t block = rows - from < ROWS ? rows - from : ROWS;
    for (size_t r = 0; r < block; r++) {
      const float *last = sums + (from + r) * hidden + first;
      float *a = all_a + r * count, *s = all_s + r * count, *d = all_d + r * count;
      EACH(k, count) {
        a[k] = last[k];
        s[k] = logistic(last[k]);
        d[k] = 0.0f;
      }
    }
    for (size_t j = n; j-- > 0;) {
      const float *in = w + j * hidden + first, *out = v + j * hidden + first;
      float *d_in = d_w + j * hidden + first, *d_out = d_v + j * hidden + first;
      for (size_t r = 0; r < block; r++) {
        float value = x[(from + r) * n + j], delta = d_logits[(from + r) * n + j];
        float *a = all_a + r * count, *s = all_s + r * count, *d = all_d + r * count;
        if (value != 0.0f) EACH(k, count) {
            float t = a[k] - value * in[k];
            d_in[k] += value * d[k];
            a[k] = t;
            s[k] = logistic(t);
          }
        EACH(k, count) {
          float h = s[k];
          d_out[k] += delta * h;
          d[k] += delta * out[k] * (h * (1.0f - h));
        }
      }
    }
    for (size_t r = 0; r < block; r++) {
      const float *d = all_d + r * count;
      EACH(k, count) d_c[first + k] += d[k];
    }
  }
}

size_t vm_nade_space(size_t hidden) { return 3 * ROWS * hidden; }
