// No contraction to fused operations here, nor in what is included: the same bits on every processor.
#pragma STDC FP_CONTRACT OFF
#include "CVectorMath.h"
#include "Elementary.h"

// Philox4x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011.

CLONES void vm_philox(size_t blocks, uint64_t counter, uint64_t stream, uint64_t key, uint32_t *words) {
  for (size_t i = 0; i < blocks; i++) {
    uint64_t n = counter + i;
    uint32_t c0 = (uint32_t)n, c1 = (uint32_t)(n >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
      uint64_t p0 = (uint64_t)c0 * 0xD2511F53u, p1 = (uint64_t)c2 * 0xCD9E8D57u;
      uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
      c1 = (uint32_t)p1;
      c3 = (uint32_t)p0;
      c0 = n0;
      c2 = n2;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    words[4 * i] = c0;
    words[4 * i + 1] = c1;
    words[4 * i + 2] = c2;
    words[4 * i + 3] = c3;
  }
}

INLINE float open_unit(uint32_t w) { return ((float)(int32_t)(w >> 9) + 0.5f) * 0x1p-23f; }

// log of a number in (0, 1)
INLINE float unit_log(float x) {
  float e, m = mantissa(x, &e);
  return (m + (log_rest(m) - 0.5f * (m * m))) + e * 0.693147180559945309f;
}

CLONES void vm_normal(size_t n, const uint32_t *restrict words, float *restrict y) {
  for (size_t i = 0; i < n / 2; i++) {
    float radius = __builtin_elementwise_sqrt(-2.0f * unit_log(open_unit(words[2 * i])));
    // The angle: two bits name the quadrant, the others a part of it in [-π/4, π/4).
    uint32_t w = words[2 * i + 1];
    float t = (float)((int32_t)(w << 2) >> 8) * (0x1p-24f * 1.57079632679489662f);
    float s = sine_part(t), c = cosine_part(t);
    uint32_t quadrant = w >> 30;
    float a = (quadrant & 1) ? c : s, b = (quadrant & 1) ? s : c;
    a = (quadrant & 2) ? -a : a;
    b = (quadrant == 1 || quadrant == 2) ? -b : b;
    y[2 * i] = radius * b;
    y[2 * i + 1] = radius * a;
  }
}

// Two words make two normals, four a block: the last piece is made whole and cut.
enum { PIECE = 256 };

LOCAL_CLONES void transform(int kind, size_t n, const uint32_t *words, float parameter, float *y) {
  switch (kind) {
  case VM_RANDOM_DROPOUT: {
    float kept = 1.0f / parameter;
    EACH(i, n) y[i] = open_unit(words[i]) < parameter ? kept : 0.0f;
    return;
  }
  case VM_RANDOM_GUMBEL: EACH(i, n) y[i] = -unit_log(-unit_log(open_unit(words[i])));
    return;
  default: EACH(i, n) y[i] = open_unit(words[i]);
    return;
  }
}

void vm_random(int kind, size_t n, uint64_t counter, uint64_t stream, uint64_t key, float parameter, float *y) {
  uint32_t words[PIECE];
  float rest[PIECE];
  while (n > 0) {
    size_t take = n < PIECE ? n : PIECE, blocks = (take + 3) / 4;
    vm_philox(blocks, counter, stream, key, words);
    float *to = take % 4 ? rest : y;
    if (kind == VM_RANDOM_NORMAL)
      vm_normal(4 * blocks, words, to);
    else
      transform(kind, 4 * blocks, words, parameter, to);
    if (to == rest) memcpy(y, rest, take * sizeof(float));
    counter += blocks;
    y += take;
    n -= take;
  }
}
