#include "CVectorMath.h"
#include "Elementary.h"

INLINE float total(size_t n, const float *x) {
  float lane[LANES] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += x[c + j];
  for (size_t c = whole; c < n; c++) lane[c - whole] += x[c];
  return lanes_total(lane);
}

INLINE float log_sum(size_t n, const float *x) {
  float top = largest(n, x);
  if (absolute(top) < __builtin_inff()) return top + logarithm(exponential_row(n, x, 1.0f, top, 0));
  return top > 0 ? top : total(n, x);  // nothing but -∞, or NaN
}

CLONES void vm_softmax(size_t rows, size_t n, const float *x, float *y) {
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    float scale = 1.0f / exponential_row(n, x, 1.0f, largest(n, x), y);
    scale_row(n, scale, y);
  }
}

CLONES void vm_log_softmax(size_t rows, size_t n, const float *x, float *y) {
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    float shift = log_sum(n, x);
    EACH(c, n) y[c] = x[c] - shift;
  }
}

CLONES void vm_softmax_backward(size_t rows, size_t n, const float *y, const float *dy, float *dx, int accumulate) {
  for (size_t r = 0; r < rows; r++, y += n, dy += n, dx += n) {
    float mean = inner_product(n, y, dy);
    if (accumulate) {
      EACH(c, n) dx[c] += y[c] * (dy[c] - mean);
    } else {
      EACH(c, n) dx[c] = y[c] * (dy[c] - mean);
    }
  }
}

CLONES void vm_log_softmax_backward(size_t rows, size_t n, const float *y, const float *dy, float *dx,
                                    int accumulate) {
  for (size_t r = 0; r < rows; r++, y += n, dy += n, dx += n) {
    float sum = total(n, dy);
    EACH(c, n) dx[c] = (accumulate ? dx[c] : 0.0f) + (dy[c] - sum * exponential(y[c]));
  }
}

CLONES void vm_binary_cross_entropy(size_t n, const float *x, const float *target, float *loss) {
  EACH(i, n) loss[i] = soft_plus(x[i]) - x[i] * target[i];
}

CLONES void vm_binary_cross_entropy_backward(size_t rows, size_t n, const float *x, const float *target, float factor,
                                             const float *d_loss, ptrdiff_t row_step, ptrdiff_t column_step,
                                             float *dx, int accumulate) {
  for (size_t r = 0; r < rows; r++, x += n, target += n, dx += n) {
    if (d_loss && column_step) {
      const float *d = d_loss + (ptrdiff_t)r * row_step;
      EACH(c, n) dx[c] = (accumulate ? dx[c] : 0.0f) + factor * d[(ptrdiff_t)c] * (logistic(x[c]) - target[c]);
    } else {
      float d = d_loss ? factor * d_loss[(ptrdiff_t)r * row_step] : factor;
      EACH(c, n) dx[c] = (accumulate ? dx[c] : 0.0f) + d * (logistic(x[c]) - target[c]);
    }
  }
}

CLONES void vm_categorical(size_t rows, size_t n, const float *logits, const float *u, int32_t *index) {
  for (size_t r = 0; r < rows; r++, logits += n) {
    float top = largest(n, logits), sum = 0, target = u[r] * exponential_row(n, logits, 1.0f, top, 0);
    size_t chosen = n, last = 0;
    for (size_t c = 0; c < n && chosen == n; c++) {
      float part = exponential(logits[c] - top);
      sum += part;
      if (part > 0) last = c;
      if (part > 0 && sum > target) chosen = c;
    }
    index[r] = (int32_t)(chosen < n ? chosen : last);
  }
}
