#include "CVectorMath.h"
#include "Elementary.h"

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
