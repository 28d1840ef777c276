#include "CVectorMath.h"
#include "Clones.h"

// Inner products of m rows of a with n shifted rows of b: rows × columns running vectors stay in registers.

#define UNROLL _Pragma("clang loop unroll(full)")

#define DOTS(NAME, TARGET, V, LANES_, ZERO, LOAD, LOAD_PART, FMA, MASK, MASK_OF, TOTAL)                            \
  static inline __attribute__((always_inline, target(TARGET))) void NAME##_block(                                  \
      const int rows, const int columns, size_t k, const float *a, size_t a_row, const float *b,                   \
      const int32_t *at, float *c, size_t c_row) {                                                                 \
    V sum[4][6];                                                                                                   \
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < columns; j++) sum[i][j] = ZERO;               \
    size_t whole = k / LANES_ * LANES_;                                                                            \
    const float *right[6];                                                                                         \
    UNROLL for (int j = 0; j < columns; j++) right[j] = b + at[j];                                                 \
    for (size_t p = 0; p < whole; p += LANES_) {                                                                   \
      V left[4];                                                                                                   \
      UNROLL for (int i = 0; i < rows; i++) left[i] = LOAD(a + i * a_row + p);                                     \
      UNROLL for (int j = 0; j < columns; j++) {                                                                   \
        V v = LOAD(right[j] + p);                                                                                  \
        UNROLL for (int i = 0; i < rows; i++) sum[i][j] = FMA(left[i], v, sum[i][j]);                              \
      }                                                                                                            \
    }                                                                                                              \
    if (whole < k) {                                                                                               \
      MASK last = MASK_OF(k - whole);                                                                              \
      V left[4];                                                                                                   \
      UNROLL for (int i = 0; i < rows; i++) left[i] = LOAD_PART(a + i * a_row + whole, last);                      \
      UNROLL for (int j = 0; j < columns; j++) {                                                                   \
        V v = LOAD_PART(right[j] + whole, last);                                                                   \
        UNROLL for (int i = 0; i < rows; i++) sum[i][j] = FMA(left[i], v, sum[i][j]);                              \
      }                                                                                                            \
    }                                                                                                              \
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < columns; j++) c[i * c_row + j] +=             \
        TOTAL(sum[i][j]);                                                                                          \
  }                                                                                                                \
  __attribute__((target(TARGET))) static void NAME(size_t m, size_t n, size_t k, const float *a, size_t a_row,     \
                                                   const float *b, const int32_t *at, float *c, size_t c_row) {    \
    size_t i = 0;                                                                                                  \
    for (; i + WIDE_ROWS <= m; i += WIDE_ROWS) {                                                                   \
      size_t j = 0;                                                                                                \
      for (; j + 6 <= n; j += 6)                                                                                   \
        NAME##_block(WIDE_ROWS, 6, k, a + i * a_row, a_row, b, at + j, c + i * c_row + j, c_row);                  \
      for (; j + 2 <= n; j += 2)                                                                                   \
        NAME##_block(WIDE_ROWS, 2, k, a + i * a_row, a_row, b, at + j, c + i * c_row + j, c_row);                  \
      for (; j < n; j++) NAME##_block(WIDE_ROWS, 1, k, a + i * a_row, a_row, b, at + j, c + i * c_row + j, c_row); \
    }                                                                                                              \
    for (; i < m; i++) {                                                                                           \
      size_t j = 0;                                                                                                \
      for (; j + 6 <= n; j += 6) NAME##_block(1, 6, k, a + i * a_row, a_row, b, at + j, c + i * c_row + j, c_row); \
      for (; j < n; j++) NAME##_block(1, 1, k, a + i * a_row, a_row, b, at + j, c + i * c_row + j, c_row);         \
    }                                                                                                              \
  }

#if defined(__x86_64__)
#include <immintrin.h>

#define V4 "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"
#define LOAD_PART4(p, mask) _mm512_maskz_loadu_ps(mask, p)
#define MASK4(count) ((__mmask16)((1u << (count)) - 1u))
#define WIDE_ROWS 4
DOTS(dots4, V4, __m512, 16, _mm512_setzero_ps(), _mm512_loadu_ps, LOAD_PART4, _mm512_fmadd_ps, __mmask16, MASK4,
     _mm512_reduce_add_ps)

static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
#define LOAD_PART3(p, mask) _mm256_maskload_ps(p, mask)
#define MASK3(count) _mm256_loadu_si256((const __m256i *)(lanes + 8 - (count)))
__attribute__((target("avx2,fma"))) static inline float total3(__m256 v) {
  __m128 h = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  h = _mm_add_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)));
}
#undef WIDE_ROWS
#define WIDE_ROWS 2
DOTS(dots3, "avx2,fma", __m256, 8, _mm256_setzero_ps(), _mm256_loadu_ps, LOAD_PART3, _mm256_fmadd_ps, __m256i, MASK3,
     total3)
#endif

void vm_dots_at(size_t m, size_t n, size_t k, const float *a, size_t a_row, const float *b, const int32_t *at,
                float *c, size_t c_row) {
#if defined(__x86_64__)
  int have = vm_cpu_features_known();
  if (have & VM_AVX512_SKX) {
    dots4(m, n, k, a, a_row, b, at, c, c_row);
    return;
  }
  if (have & VM_AVX2_FMA) {
    dots3(m, n, k, a, a_row, b, at, c, c_row);
    return;
  }
#endif
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < n; j++) c[i * c_row + j] += vm_dot(k, a + i * a_row, b + at[j]);
}
