#include "Clones.h"
#include "CVectorMath.h"

INLINE float inverse_root(float x) { return 1.0f / __builtin_elementwise_sqrt(x); }

// Σ (x - shift) and Σ (x - shift)², in lanes
INLINE void moments(size_t n, const float *x, float *mean, float *variance) {
  float lane[LANES] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) lane[j] += x[c + j];
  for (size_t c = whole; c < n; c++) lane[c - whole] += x[c];
  float m = lanes_total(lane) / (float)n;
  for (int j = 0; j < LANES; j++) lane[j] = 0.0f;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) {
      float d = x[c + j] - m;
      lane[j] += d * d;
    }
  for (size_t c = whole; c < n; c++) {
    float d = x[c] - m;
    lane[c - whole] += d * d;
  }
  *mean = m;
  *variance = lanes_total(lane) / (float)n;
}

CLONES void vm_norm_rows(size_t rows, size_t groups, size_t channels, size_t spatial, const float *x, float epsilon,
                         const float *gain, const float *shift, float *y, float *means, float *scales) {
  size_t n = channels * spatial;
  for (size_t r = 0; r < rows; r++, x += n, y += n) {
    float m, v;
    moments(n, x, &m, &v);
    float s = inverse_root(v + epsilon);
    means[r] = m;
    scales[r] = s;
    const float *g = gain ? gain + r % groups * channels : 0, *b = shift ? shift + r % groups * channels : 0;
    if (spatial == 1 && g && b) {
      EACH(c, n) y[c] = (x[c] - m) * s * g[c] + b[c];
    } else if (spatial == 1) {
      EACH(c, n) y[c] = (x[c] - m) * s;
      if (g) EACH(c, n) y[c] *= g[c];
      if (b) EACH(c, n) y[c] += b[c];
    } else
      for (size_t c = 0; c < channels; c++) {
        float factor = g ? s * g[c] : s, constant = b ? b[c] : 0.0f;
        const float *from = x + c * spatial;
        float *to = y + c * spatial;
        EACH(i, spatial) to[i] = (from[i] - m) * factor + constant;
      }
  }
}

// The two sums of the backward pass over a run with one gain, added to lanes.
INLINE void run_sums(size_t n, const float *x, float m, float s, float gain, const float *dy, float *plain,
                     float *weighted) {
  float a[LANES] = {0}, b[LANES] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) {
      a[j] += dy[c + j];
      b[j] += dy[c + j] * ((x[c + j] - m) * s);
    }
  for (size_t c = whole; c < n; c++) {
    a[c - whole] += dy[c];
    b[c - whole] += dy[c] * ((x[c] - m) * s);
  }
  *plain += gain * lanes_total(a);
  *weighted += gain * lanes_total(b);
}

INLINE void gained_sums(size_t n, const float *x, float m, float s, const float *g, const float *dy, float *plain,
                        float *weighted) {
  float a[LANES] = {0}, b[LANES] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) {
      float d = dy[c + j] * g[c + j];
      a[j] += d;
      b[j] += d * ((x[c + j] - m) * s);
    }
  for (size_t c = whole; c < n; c++) {
    float d = dy[c] * g[c];
    a[c - whole] += d;
    b[c - whole] += d * ((x[c] - m) * s);
  }
  *plain = lanes_total(a);
  *weighted = lanes_total(b);
}

CLONES void vm_norm_rows_backward(size_t first, size_t rows, size_t groups, size_t channels, size_t spatial,
                                  const float *x, const float *means, const float *scales, const float *gain,
                                  const float *dy, float *dx, int accumulate) {
  size_t n = channels * spatial;
  for (size_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
    const float *g = gain ? gain + (first + r) % groups * channels : 0;
    float m = means[r], s = scales[r], plain = 0, weighted = 0;
    if (spatial == 1 && g)
      gained_sums(n, x, m, s, g, dy, &plain, &weighted);
    else if (g)
      for (size_t c = 0; c < channels; c++)
        run_sums(spatial, x + c * spatial, m, s, g[c], dy + c * spatial, &plain, &weighted);
    else
      run_sums(n, x, m, s, 1.0f, dy, &plain, &weighted);
    plain /= (float)n;
    weighted /= (float)n;
    if (spatial == 1 && g) {
      EACH(c, n) {
        float d = s * (dy[c] * g[c] - plain - (x[c] - m) * s * weighted);
        dx[c] = accumulate ? dx[c] + d : d;
      }
    } else
      for (size_t c = 0; c < (g ? channels : 1); c++) {
        size_t run = g ? spatial : n;
        const float *p = x + c * run, *q = dy + c * run;
        float *to = dx + c * run, factor = g ? g[c] : 1.0f;
        EACH(i, run) {
          float d = s * (q[i] * factor - plain - (p[i] - m) * s * weighted);
          to[i] = accumulate ? to[i] + d : d;
        }
      }
  }
}

CLONES void vm_norm_rows_parameters(size_t rows, size_t groups, size_t channels, size_t spatial, size_t first,
                                    size_t count, const float *x, const float *means, const float *scales,
                                    const float *dy, float *d_gain, float *d_shift) {
  size_t n = channels * spatial;
  for (size_t r = 0; r < rows; r++, x += n, dy += n) {
    float m = means[r], s = scales[r];
    float *g = d_gain ? d_gain + r % groups * channels : 0, *b = d_shift ? d_shift + r % groups * channels : 0;
    if (spatial == 1) {
      if (g) EACH(i, count) g[first + i] += dy[first + i] * ((x[first + i] - m) * s);
      if (b) EACH(i, count) b[first + i] += dy[first + i];
    } else
      for (size_t c = first; c < first + count; c++) {
        float plain = 0, weighted = 0;
        run_sums(spatial, x + c * spatial, m, s, 1.0f, dy + c * spatial, &plain, &weighted);
        if (g) g[c] += weighted;
        if (b) b[c] += plain;
      }
  }
}
