#include "Clones.h"
#include "CVectorMath.h"

INLINE float run_total(size_t n, const float *x, float shift, const int squared) {
  float lane[LANES] = {0};
  size_t whole = n / LANES * LANES;
  for (size_t c = 0; c < whole; c += LANES)
    for (int j = 0; j < LANES; j++) {
      float d = x[c + j] - shift;
      lane[j] += squared ? d * d : d;
    }
  for (size_t c = whole; c < n; c++) {
    float d = x[c] - shift;
    lane[c - whole] += squared ? d * d : d;
  }
  return lanes_total(lane);
}

CLONES void vm_channel_moments(size_t batch, size_t channels, size_t spatial, size_t step, const float *x,
                               float *mean, float *variance) {
  float part = 1.0f / (float)(batch * spatial);
  for (size_t c = 0; c < channels; c++) mean[c] = variance[c] = 0.0f;
  for (size_t b = 0; b < batch; b++)
    if (spatial == 1) {
      EACH(c, channels) mean[c] += x[b * step + c];
    } else
      for (size_t c = 0; c < channels; c++) mean[c] += run_total(spatial, x + b * step + c * spatial, 0.0f, 0);
  for (size_t c = 0; c < channels; c++) mean[c] *= part;
  for (size_t b = 0; b < batch; b++)
    if (spatial == 1) {
      EACH(c, channels) {
        float d = x[b * step + c] - mean[c];
        variance[c] += d * d;
      }
    } else
      for (size_t c = 0; c < channels; c++) variance[c] += run_total(spatial, x + b * step + c * spatial, mean[c], 1);
  for (size_t c = 0; c < channels; c++) variance[c] *= part;
}

CLONES void vm_channel_affine(size_t batch, size_t channels, size_t spatial, size_t step, const float *x,
                              const float *mean, const float *scale, const float *gain, const float *shift, float *y) {
  for (size_t b = 0; b < batch; b++, x += step, y += step)
    if (spatial == 1 && gain && shift) {
      EACH(c, channels) y[c] = (x[c] - mean[c]) * (scale[c] * gain[c]) + shift[c];
    } else
      for (size_t c = 0; c < channels; c++) {
        float m = mean[c], factor = gain ? scale[c] * gain[c] : scale[c], constant = shift ? shift[c] : 0.0f;
        const float *from = x + c * spatial;
        float *to = y + c * spatial;
        EACH(i, spatial) to[i] = (from[i] - m) * factor + constant;
      }
}

CLONES void vm_channel_sums(size_t batch, size_t channels, size_t spatial, size_t step, const float *x,
                            const float *mean, const float *scale, const float *dy, float *d_gain, float *d_shift) {
  for (size_t c = 0; c < channels; c++) d_gain[c] = d_shift[c] = 0.0f;
  for (size_t b = 0; b < batch; b++, x += step, dy += step)
    if (spatial == 1) {
      EACH(c, channels) {
        d_shift[c] += dy[c];
        d_gain[c] += dy[c] * ((x[c] - mean[c]) * scale[c]);
      }
    } else
      for (size_t c = 0; c < channels; c++) {
        const float *p = x + c * spatial, *d = dy + c * spatial;
        float lane[LANES] = {0}, m = mean[c], s = scale[c];
        size_t whole = spatial / LANES * LANES;
        for (size_t i = 0; i < whole; i += LANES)
          for (int j = 0; j < LANES; j++) lane[j] += d[i + j] * ((p[i + j] - m) * s);
        for (size_t i = whole; i < spatial; i++) lane[i - whole] += d[i] * ((p[i] - m) * s);
        d_gain[c] += lanes_total(lane);
        d_shift[c] += run_total(spatial, d, 0.0f, 0);
      }
}

CLONES void vm_channel_backward(size_t batch, size_t channels, size_t spatial, size_t step, const float *x,
                                const float *mean, const float *scale, const float *gain, const float *d_gain,
                                const float *d_shift, const float *dy, float *dx, int accumulate) {
  float part = 1.0f / (float)(batch * spatial);
  for (size_t b = 0; b < batch; b++, x += step, dy += step, dx += step)
    if (spatial == 1 && gain && d_gain && d_shift) {
      EACH(c, channels) {
        float h = (x[c] - mean[c]) * scale[c];
        float d = gain[c] * scale[c] * (dy[c] - part * (d_shift[c] + h * d_gain[c]));
        dx[c] = accumulate ? dx[c] + d : d;
      }
    } else
      for (size_t c = 0; c < channels; c++) {
        float m = mean[c], s = scale[c], factor = gain ? s * gain[c] : s;
        float plain = d_shift ? part * d_shift[c] : 0.0f, weighted = d_gain ? part * d_gain[c] : 0.0f;
        const float *p = x + c * spatial, *q = dy + c * spatial;
        float *to = dx + c * spatial;
        EACH(i, spatial) {
          float d = factor * (q[i] - plain - (p[i] - m) * s * weighted);
          to[i] = accumulate ? to[i] + d : d;
        }
      }
}
