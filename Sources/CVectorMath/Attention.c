#include "CVectorMath.h"
#include "Elementary.h"

// Queries go in bands, so that a causal band neither computes nor reads what lies beyond its mask.
enum { BAND = 32 };

INLINE void masked_row(size_t n, size_t keys, float scale, float *x) {
  scale_row(n, 1.0f / exponential_row(n, x, scale, largest(n, x), x), x);
  for (size_t c = n; c < keys; c++) x[c] = 0.0f;
}

// The positive scale is taken out of the largest, so that both are one pass.
CLONES void vm_masked_softmax(size_t queries, size_t keys, float scale, int causal, float *x) {
  for (size_t r = 0; r < queries; r++, x += keys) {
    size_t n = causal ? keys - queries + r + 1 : keys;
    masked_row(n, keys, scale, x);
  }
}

static size_t visible(size_t queries, size_t keys, int causal, size_t first, size_t rows) {
  return causal ? keys - queries + first + rows : keys;
}

LOCAL_CLONES void softmax_band(size_t rows, size_t first, size_t seen, size_t keys, float scale, int causal,
                                float *p) {
  for (size_t r = 0; r < rows; r++, p += keys) masked_row(causal ? first + r + 1 : seen, keys, scale, p);
}

// One query needs no packing of the keys.
LOCAL_CLONES void scores(size_t keys, size_t width, const float *q, const float *k, size_t k_step, float *p) {
  for (size_t j = 0; j < keys; j++, k += k_step) {
    float lane[LANES] = {0};
    size_t whole = width / LANES * LANES;
    for (size_t c = 0; c < whole; c += LANES)
      for (int l = 0; l < LANES; l++) lane[l] += q[c + l] * k[c + l];
    for (size_t c = whole; c < width; c++) lane[c - whole] += q[c] * k[c];
    p[j] = lanes_total(lane);
  }
}

void vm_attention(size_t queries, size_t keys, size_t width, float scale, int causal, const float *q, size_t q_step,
                  const float *k, size_t k_step, const float *v, size_t v_step, float *p, float *out,
                  size_t out_step) {
  for (size_t i = 0; i < queries; i += BAND) {
    size_t rows = queries - i < BAND ? queries - i : BAND, seen = visible(queries, keys, causal, i, rows);
    float *band = p + i * keys;
    if (queries == 1)
      scores(seen, width, q, k, k_step, band);
    else
      vm_gemm(rows, seen, width, 1.0f, q + i * q_step, q_step, 1, k, 1, k_step, 0, band, keys, 0);
    softmax_band(rows, keys - queries + i, seen, keys, scale, causal, band);
    vm_gemm(rows, width, seen, 1.0f, band, keys, 1, v, v_step, 1, 0, out + i * out_step, out_step, 0);
  }
}

// ds = scale p (dp - Σ p dp), in place of dp
LOCAL_CLONES void softmax_slope(size_t rows, size_t seen, size_t keys, float scale, const float *p, float *d) {
  for (size_t r = 0; r < rows; r++, p += keys, d += keys) {
    float mean = inner_product(seen, p, d), rest[LANES];
    if (seen < LANES) {
      for (size_t c = 0; c < seen; c++) d[c] = scale * (p[c] * (d[c] - mean));
      continue;
    }
    size_t end = seen - LANES;
    for (int j = 0; j < LANES; j++) rest[j] = scale * (p[end + j] * (d[end + j] - mean));
    for (size_t c = 0; c + LANES <= seen; c += LANES)
      for (int j = 0; j < LANES; j++) d[c + j] = scale * (p[c + j] * (d[c + j] - mean));
    memcpy(d + end, rest, sizeof rest);
  }
}

void vm_attention_backward(size_t queries, size_t keys, size_t width, float scale, int causal, const float *q,
                           size_t q_step, const float *k, size_t k_step, const float *v, size_t v_step, const float *p,
                           const float *d_out, size_t d_out_step, float *d_q, size_t d_q_step, float *d_k,
                           size_t d_k_step, float *d_v, size_t d_v_step, float *space) {
  for (size_t i = 0; i < queries; i += BAND) {
    size_t rows = queries - i < BAND ? queries - i : BAND, seen = visible(queries, keys, causal, i, rows);
    const float *band = p + i * keys, *d = d_out + i * d_out_step;
    float *slope = space + i * keys;
    vm_gemm(seen, width, rows, 1.0f, band, 1, keys, d, d_out_step, 1, 0, d_v, d_v_step, 1);
    vm_gemm(rows, seen, width, 1.0f, d, d_out_step, 1, v, 1, v_step, 0, slope, keys, 0);
    softmax_slope(rows, seen, keys, scale, band, slope);
    vm_gemm(rows, width, seen, 1.0f, slope, keys, 1, k, k_step, 1, 0, d_q + i * d_q_step, d_q_step, 1);
    vm_gemm(seen, width, rows, 1.0f, slope, 1, keys, q + i * q_step, q_step, 1, 0, d_k, d_k_step, 1);
  }
}
