#include "Clones.h"
#include "CVectorMath.h"


CLONES void vm_standardise_rows(size_t rows, size_t columns, const float *x, const float *mask, const float *shift,
                                const float *scale, float bound, float *z) {
  for (size_t r = 0; r < rows; r++, x += columns, z += columns) {
    EACH(c, columns) {
      float v = (x[c] - shift[c]) * scale[c];
      v = v > bound ? bound : v;
      z[c] = v < -bound ? -bound : v;
    }
    if (mask) {
      EACH(c, columns) z[c] = mask[c] != 0 ? z[c] : 0.0f;
      mask += columns;
    }
  }
}

// The four kinds of row (masked or not, weighted or not) are one body, specialised by constants.
INLINE float error_row(size_t columns, const float *x, const float *y, const float *weight, const float *mask) {
  lanes16 sum = 0;
  size_t whole = columns / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES) {
    LOAD16(d, x + c);
    if (y) {
      LOAD16(other, y + c);
      d -= other;
    }
    lanes16 e = d * d;
    if (weight) {
      LOAD16(w, weight + c);
      e = w * d * d;
    }
    if (mask) {
      LOAD16(m, mask + c);
      e = m * e;
    }
    sum += e;
  }
  if (whole < columns) {
    float part[LANES] = {0};
    for (size_t c = whole; c < columns; c++) {
      float d = y ? x[c] - y[c] : x[c];
      float e = weight ? weight[c] * d * d : d * d;
      part[c - whole] = mask ? mask[c] * e : e;
    }
    LOAD16(e, part);
    sum += e;
  }
  return vector_total(&sum);
}

INLINE float row_sum(size_t columns, const float *x) {
  lanes16 sum = 0;
  size_t whole = columns / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES) {
    LOAD16(v, x + c);
    sum += v;
  }
  if (whole < columns) {
    float part[LANES] = {0};
    for (size_t c = whole; c < columns; c++) part[c - whole] = x[c];
    LOAD16(v, part);
    sum += v;
  }
  return vector_total(&sum);
}

CLONES void vm_squared_error_rows(size_t rows, size_t columns, const float *x, const float *y, const float *weight,
                                  const float *mask, float *sum, float *count) {
  for (size_t r = 0; r < rows; r++, x += columns) {
    if (!mask)
      sum[r] = y ? (weight ? error_row(columns, x, y, weight, 0) : error_row(columns, x, y, 0, 0))
                 : (weight ? error_row(columns, x, 0, weight, 0) : error_row(columns, x, 0, 0, 0));
    else
      sum[r] = y ? (weight ? error_row(columns, x, y, weight, mask) : error_row(columns, x, y, 0, mask))
                 : (weight ? error_row(columns, x, 0, weight, mask) : error_row(columns, x, 0, 0, mask));
    if (count) count[r] = mask ? row_sum(columns, mask) : (float)columns;
    if (y) y += columns;
    if (mask) mask += columns;
  }
}

INLINE float masked_error(size_t rows, size_t columns, const float *x, const float *y, const float *factor,
                          const float *mask, float *delta) {
  float lane[LANES] = {0};
  size_t whole = columns / LANES * LANES;
  for (size_t r = 0; r < rows; r++, x += columns, y += columns, delta += columns) {
    for (size_t c = 0; c < whole; c += LANES)
      for (int j = 0; j < LANES; j++) {
        float d = y[c + j] - x[c + j];
        float w = factor ? factor[c + j] : 1.0f;
        w = mask ? w * mask[c + j] : w;
        delta[c + j] = d * w;
        lane[j] += d * d * w;
      }
    for (size_t c = whole; c < columns; c++) {
      float d = y[c] - x[c];
      float w = factor ? factor[c] : 1.0f;
      w = mask ? w * mask[c] : w;
      delta[c] = d * w;
      lane[c - whole] += d * d * w;
    }
    if (mask) mask += columns;
  }
  return lanes_total(lane);
}

CLONES float vm_masked_error(size_t rows, size_t columns, const float *restrict x, const float *restrict y,
                             const float *factor, const float *mask, float *restrict delta) {
  if (mask) return factor ? masked_error(rows, columns, x, y, factor, mask, delta)
                          : masked_error(rows, columns, x, y, 0, mask, delta);
  return factor ? masked_error(rows, columns, x, y, factor, 0, delta)
                : masked_error(rows, columns, x, y, 0, 0, delta);
}

CLONES void vm_column_sums(size_t rows, size_t columns, float scale, const float *x, float *sum) {
  for (size_t r = 0; r < rows; r++, x += columns)
    EACH(c, columns) sum[c] += scale * x[c];
}

CLONES void vm_tanh_backward(size_t n, const float *y, float *delta) {
  EACH(i, n) delta[i] *= 1.0f - y[i] * y[i];
}

CLONES void vm_adam(size_t n, float *restrict weights, const float *restrict gradient, float *restrict first,
                    float *restrict second, float rate, float beta1, float beta2, float epsilon, float correction1, float correction2, float scale,
                    float decay) {
  float step = rate * correction1;
  for (size_t i = 0; i < n; i++) {
    float g = gradient[i] * scale + decay * weights[i];
    float m = beta1 * first[i] + (1.0f - beta1) * g;
    float v = beta2 * second[i] + (1.0f - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weights[i] -= step * m / (__builtin_elementwise_sqrt(v * correction2) + epsilon);
  }
}

CLONES void vm_transpose(size_t rows, size_t columns, const float *x, float *y) {
  // Tiles of 8 keep both sides within a few cache lines.
  for (size_t r = 0; r < rows; r += 8)
    for (size_t c = 0; c < columns; c++) {
      size_t end = r + 8 < rows ? r + 8 : rows;
      for (size_t i = r; i < end; i++) y[c * rows + i] = x[i * columns + c];
    }
}

CLONES void vm_axpy(size_t n, float factor, const float *y, float *x) {
  EACH(i, n) x[i] += factor * y[i];
}

CLONES void vm_multiply(size_t n, const float *y, float *x) {
  EACH(i, n) x[i] *= y[i];
}

CLONES void vm_affine_rows(size_t rows, size_t columns, const float *shift, const float *scale, const float *noise,
                           float *x) {
  for (size_t r = 0; r < rows; r++, x += columns) {
    if (noise) {
      EACH(c, columns) x[c] = shift[c] + scale[c] * (x[c] + noise[c]);
      noise += columns;
    } else {
      EACH(c, columns) x[c] = shift[c] + scale[c] * x[c];
    }
  }
}

CLONES void vm_scale_rows(size_t rows, size_t columns, const float *scale, float *x) {
  for (size_t r = 0; r < rows; r++, x += columns)
    EACH(c, columns) x[c] *= scale[c];
}

CLONES void vm_bernoulli(size_t n, const float *u, float *x) {
  EACH(i, n) x[i] = u[i] < x[i] ? 1.0f : 0.0f;
}

CLONES float vm_dot(size_t n, const float *x, const float *y) {
  float lane[LANES] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t i = 0; i < whole; i += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += x[i + j] * y[i + j];
  for (size_t i = whole; i < n; i++) lane[i - whole] += x[i] * y[i];
  return lanes_total(lane);
}

CLONES float vm_sum(size_t n, const float *x) { return row_sum(n, x); }

CLONES float vm_maximum(size_t n, const float *x) {
  float largest = -__builtin_inff();
  for (size_t i = 0; i < n; i++) largest = x[i] <= largest || largest != largest ? largest : x[i];  // NaN wins
  return largest;
}

CLONES int vm_all_finite(size_t n, const float *x) {
  unsigned bad = 0;
  for (size_t i = 0; i < n; i++) {
    float a = __builtin_elementwise_abs(x[i]);
    bad |= !(a < __builtin_inff());
  }
  return bad == 0;
}

CLONES int vm_any_beyond(size_t n, const float *x, float bound) {
  int found = 0;
  EACH(i, n) found |= __builtin_elementwise_abs(x[i]) > bound;
  return found;
}
