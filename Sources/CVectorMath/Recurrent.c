#include "CVectorMath.h"
#include "Elementary.h"

CLONES void vm_lstm(size_t rows, size_t n, float *gates, size_t gates_step, const float *before, size_t before_step,
                    float *cell, size_t cell_step, float *hidden, size_t hidden_step) {
  for (size_t r = 0; r < rows; r++, gates += gates_step, before += before_step, cell += cell_step, hidden += hidden_step) {
    float *i = gates, *f = gates + n, *g = gates + 2 * n, *o = gates + 3 * n;
    EACH(c, 2 * n) i[c] = logistic(i[c]);
    EACH(c, n) g[c] = hyperbolic_tangent(g[c]);
    EACH(c, n) o[c] = logistic(o[c]);
    EACH(c, n) {
      float s = f[c] * before[c] + i[c] * g[c];
      cell[c] = s;
      hidden[c] = o[c] * hyperbolic_tangent(s);
    }
  }
}

CLONES void vm_lstm_backward(size_t rows, size_t n, const float *gates, size_t gates_step, const float *before,
                             size_t before_step, const float *cell, size_t cell_step, const float *d_hidden,
                             size_t d_hidden_step, float *d_cell, size_t d_cell_step, float *d_gates,
                             size_t d_gates_step) {
  for (size_t r = 0; r < rows; r++) {
    const float *i = gates + r * gates_step, *f = i + n, *g = f + n, *o = g + n;
    const float *b = before + r * before_step, *s = cell + r * cell_step, *dh = d_hidden + r * d_hidden_step;
    float *dc = d_cell + r * d_cell_step, *di = d_gates + r * d_gates_step, *df = di + n, *dg = df + n, *do_ = dg + n;
    EACH(c, n) {
      float t = hyperbolic_tangent(s[c]), ci = i[c], cf = f[c], cg = g[c], co = o[c];
      float d = dc[c] + dh[c] * co * (1.0f - t * t);
      di[c] = d * cg * ci * (1.0f - ci);
      df[c] = d * b[c] * cf * (1.0f - cf);
      dg[c] = d * ci * (1.0f - cg * cg);
      do_[c] = dh[c] * t * co * (1.0f - co);
      dc[c] = d * cf;
    }
  }
}

CLONES void vm_gru(size_t rows, size_t n, float *x, size_t x_step, const float *h, size_t h_step, const float *before,
                   size_t before_step, float *hidden, size_t hidden_step) {
  for (size_t r = 0; r < rows; r++) {
    float *reset = x + r * x_step, *update = reset + n, *fresh = update + n, *to = hidden + r * hidden_step;
    const float *hr = h + r * h_step, *hn = hr + 2 * n, *b = before + r * before_step;
    EACH(c, 2 * n) reset[c] = logistic(reset[c] + hr[c]);
    EACH(c, n) {
      float v = hyperbolic_tangent(fresh[c] + reset[c] * hn[c]);
      fresh[c] = v;
      to[c] = v + update[c] * (b[c] - v);
    }
  }
}

CLONES void vm_gru_backward(size_t rows, size_t n, const float *x, size_t x_step, const float *h, size_t h_step,
                            const float *before, size_t before_step, const float *d_hidden, size_t d_hidden_step,
                            float *d_x, size_t d_x_step, float *d_h, size_t d_h_step, float *d_before,
                            size_t d_before_step, int accumulate) {
  for (size_t r = 0; r < rows; r++) {
    const float *reset = x + r * x_step, *update = reset + n, *fresh = update + n, *hn = h + r * h_step + 2 * n;
    const float *b = before + r * before_step, *d = d_hidden + r * d_hidden_step;
    float *xr = d_x + r * d_x_step, *xz = xr + n, *xn = xz + n, *hr = d_h + r * d_h_step, *hz = hr + n, *hh = hz + n;
    float *to = d_before + r * d_before_step;
    EACH(c, n) {
      float z = update[c], v = fresh[c], a = reset[c];
      float dn = d[c] * (1.0f - z) * (1.0f - v * v), dz = d[c] * (b[c] - v) * z * (1.0f - z);
      float dr = dn * hn[c] * a * (1.0f - a);
      xr[c] = hr[c] = dr;
      xz[c] = hz[c] = dz;
      xn[c] = dn;
      hh[c] = dn * a;
      to[c] = accumulate ? to[c] + d[c] * z : d[c] * z;
    }
  }
}
