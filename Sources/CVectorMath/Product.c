#include "Clones.h"
#include "CVectorMath.h"

// Products of small matrices, where packing (what a BLAS does for large ones) costs more than it saves. A block of
// rows × vectors of c stays in registers while k runs; a is broadcast, so any strides of a serve.

#define UNROLL _Pragma("clang loop unroll(full)")

#define BLOCK(NAME, TARGET, V, LANES, MASK, ZERO, LOAD, LOAD_PART, STORE_PART, SPREAD, FMA)                        \
  static inline __attribute__((always_inline, target(TARGET))) void NAME(                                          \
      const int rows, const int vectors, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,  \
      size_t b_row, const float *bias, float *c, size_t c_row, int accumulate, MASK last) {                        \
    V sum[8][3];                                                                                                   \
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) {                               \
      const float *from = accumulate ? c + i * c_row : bias;                                                       \
      sum[i][j] = !from ? ZERO : j + 1 < vectors ? LOAD(from + LANES * j) : LOAD_PART(from + LANES * j, last);     \
    }                                                                                                              \
    for (size_t p = 0; p < k; p++, b += b_row) {                                                                   \
      V row[3];                                                                                                    \
      UNROLL for (int j = 0; j < vectors; j++) row[j] =                                                            \
          j + 1 < vectors ? LOAD(b + LANES * j) : LOAD_PART(b + LANES * j, last);                                  \
      UNROLL for (int i = 0; i < rows; i++) {                                                                      \
        V left = SPREAD(a[i * a_row + p * a_column]);                                                              \
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = FMA(left, row[j], sum[i][j]);                         \
      }                                                                                                            \
    }                                                                                                              \
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) {                               \
      if (j + 1 < vectors)                                                                                         \
        STORE_PART##_FULL(c + i * c_row + LANES * j, sum[i][j]);                                                   \
      else                                                                                                         \
        STORE_PART(c + i * c_row + LANES * j, last, sum[i][j]);                                                    \
    }                                                                                                              \
  }

#define ROWS(BLOCK_NAME, STEP, COUNT)                                                                              \
  for (; i + STEP <= m; i += STEP)                                                                                 \
    BLOCK_NAME(STEP, COUNT, k, a + i * a_row, a_row, a_column, b + j, b_row, bias ? bias + j : 0,                  \
               c + i * c_row + j, c_row, accumulate, last);

#define PRODUCT(NAME, TARGET, BLOCK_NAME, LANES, MASK, MASK_OF, MOST)                                              \
  __attribute__((target(TARGET))) static void NAME(                                                                \
      size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,   \
      const float *bias, float *c, size_t c_row, int accumulate) {                                                 \
    for (size_t j = 0; j < n;) {                                                                                   \
      size_t left = (n - j + LANES - 1) / LANES;                                                                   \
      /* four vectors go as two and two, not three and one */                                                      \
      size_t take = left == 4 ? 2 : left > 3 ? 3 : left;                                                           \
      size_t columns = take * LANES < n - j ? take * LANES : n - j;                                                \
      MASK last = MASK_OF(columns - (take - 1) * LANES);                                                           \
      size_t i = 0;                                                                                                \
      if (take == 3) {                                                                                             \
        ROWS(BLOCK_NAME, MOST, 3) ROWS(BLOCK_NAME, 2, 3) ROWS(BLOCK_NAME, 1, 3)                                    \
      } else if (take == 2) {                                                                                      \
        ROWS(BLOCK_NAME, MOST, 2) ROWS(BLOCK_NAME, 2, 2) ROWS(BLOCK_NAME, 1, 2)                                    \
      } else {                                                                                                     \
        ROWS(BLOCK_NAME, 8, 1) ROWS(BLOCK_NAME, 2, 1) ROWS(BLOCK_NAME, 1, 1)                                       \
      }                                                                                                            \
      j += columns;                                                                                                \
    }                                                                                                              \
  }

#if defined(__x86_64__)
#include <immintrin.h>

#define V4 "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"
#define ZERO4 _mm512_setzero_ps()
#define LOAD4(p) _mm512_loadu_ps(p)
#define LOAD_PART4(p, mask) _mm512_maskz_loadu_ps(mask, p)
#define STORE4(p, mask, v) _mm512_mask_storeu_ps(p, mask, v)
#define STORE4_FULL(p, v) _mm512_storeu_ps(p, v)
#define MASK4(count) ((__mmask16)((1u << (count)) - 1u))
BLOCK(block4, V4, __m512, 16, __mmask16, ZERO4, LOAD4, LOAD_PART4, STORE4, _mm512_set1_ps, _mm512_fmadd_ps)
PRODUCT(product4, V4, block4, 16, __mmask16, MASK4, 8)

static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
#define V3 "avx2,fma"
#define ZERO3 _mm256_setzero_ps()
#define LOAD3(p) _mm256_loadu_ps(p)
#define LOAD_PART3(p, mask) _mm256_maskload_ps(p, mask)
#define STORE3(p, mask, v) _mm256_maskstore_ps(p, mask, v)
#define STORE3_FULL(p, v) _mm256_storeu_ps(p, v)
#define MASK3(count) _mm256_loadu_si256((const __m256i *)(lanes + 8 - (count)))
BLOCK(block3, V3, __m256, 8, __m256i, ZERO3, LOAD3, LOAD_PART3, STORE3, _mm256_set1_ps, _mm256_fmadd_ps)
PRODUCT(product3, V3, block3, 8, __m256i, MASK3, 4)
#endif

static void product_plain(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,
                          const float *b, size_t b_row, const float *bias, float *c, size_t c_row,
                          int accumulate) {
  for (size_t i = 0; i < m; i++) {
    float *row = c + i * c_row;
    if (!accumulate)
      for (size_t j = 0; j < n; j++) row[j] = bias ? bias[j] : 0.0f;
    for (size_t p = 0; p < k; p++) {
      float left = a[i * a_row + p * a_column];
      const float *right = b + p * b_row;
      for (size_t j = 0; j < n; j++) row[j] += left * right[j];
    }
  }
}

void vm_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                size_t b_row, const float *bias, float *c, size_t c_row, int accumulate) {
#if defined(__x86_64__)
  static int features = -1;  // written once with the same value by whoever comes first
  int have = __atomic_load_n(&features, __ATOMIC_RELAXED);
  if (have < 0) {
    have = vm_cpu_features();
    __atomic_store_n(&features, have, __ATOMIC_RELAXED);
  }
  if (have & VM_AVX512_SKX) {
    product4(m, n, k, a, a_row, a_column, b, b_row, bias, c, c_row, accumulate);
    return;
  }
  if (have & VM_AVX2_FMA) {
    product3(m, n, k, a, a_row, a_column, b, b_row, bias, c, c_row, accumulate);
    return;
  }
#endif
  product_plain(m, n, k, a, a_row, a_column, b, b_row, bias, c, c_row, accumulate);
}
