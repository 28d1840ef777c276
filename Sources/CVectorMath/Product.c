#include "Clones.h"
#include "CVectorMath.h"
#include <string.h>

// A block of rows × vectors of c stays in registers while k runs; a is broadcast, so any strides of a serve. Every number of
// c is one chain of fused multiply-adds in the order of k, whatever the division into blocks: the same bits for any
// part of a product computed alone.

#define UNROLL _Pragma("clang loop unroll(full)")

// Row i of a begins i steps on. Odd multiples of the step are kept in registers, and the address of a load doubles them:
// sums made for each load would take the multiply-adds' place. Steps of one number need neither.
#if defined(__x86_64__)
#define KEEP(x) __asm__("" : "+r"(x))
#else
#define KEEP(x) (void)(x)
#endif
INLINE size_t row_at(int i, const size_t *odd) {
  int doublings = i ? __builtin_ctz((unsigned)i) : 0;
  return i ? odd[i >> doublings >> 1] << doublings : 0;
}

#define BLOCK(NAME, TARGET, V, LANES, MASK, ZERO, LOAD, LOAD_PART, STORE_PART, SPREAD, FMA)                        \
  static inline __attribute__((always_inline, target(TARGET))) void NAME(                                          \
      const int together, const int rows, const int vectors, size_t k, const float *a, size_t a_row,               \
      size_t a_column, const float *b, size_t b_row, const int32_t *at, const float *bias, float *c, size_t c_row, \
      int accumulate, MASK last) {                                                                                 \
    V sum[16][3];                                                                                                  \
    size_t odd[8];                                                                                                 \
    UNROLL for (int i = 0; 2 * i + 1 < rows; i++) {                                                                \
      odd[i] = (size_t)(2 * i + 1) * a_row * sizeof(float);                                                        \
      if (!together) KEEP(odd[i]);                                                                                 \
    }                                                                                                              \
    /* the numbers of the next block of rows come while this one is computed */                                    \
    if (k >= 64)                                                                                                   \
      UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++)                               \
          __builtin_prefetch(c + (rows + i) * c_row + LANES * j, 1);                                               \
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < vectors; j++) {                               \
      const float *from = accumulate ? c + i * c_row : bias;                                                       \
      sum[i][j] = !from ? ZERO : j + 1 < vectors ? LOAD(from + LANES * j) : LOAD_PART(from + LANES * j, last);     \
    }                                                                                                              \
    for (size_t p = 0; p < k; p++) {                                                                               \
      const float *from = at ? b + at[p] : b + p * b_row;                                                          \
      V row[3];                                                                                                    \
      UNROLL for (int j = 0; j < vectors; j++) row[j] =                                                            \
          j + 1 < vectors ? LOAD(from + LANES * j) : LOAD_PART(from + LANES * j, last);                            \
      UNROLL for (int i = 0; i < rows; i++) {                                                                      \
        V left = SPREAD(*(const float *)((const char *)(a + p * a_column) + row_at(i, odd)));                      \
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
    BLOCK_NAME(together, STEP, COUNT, k, a + i * a_row, a_row, a_column, b + j, b_row, at,                         \
               bias ? bias + j : 0, c + i * c_row + j, c_row, accumulate, last);

// `at` names the rows of b by their offsets; null is every b_row.
#define PRODUCT(NAME, TARGET, BLOCK_NAME, LANES, MASK, MASK_OF, MOST)                                              \
  static inline __attribute__((always_inline, target(TARGET))) void NAME##_with(                                   \
      const int together, size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column,             \
      const float *b, size_t b_row, const int32_t *at, const float *bias, float *c, size_t c_row, int accumulate) {\
    for (size_t j = 0; j < n;) {                                                                                   \
      size_t left = (n - j + LANES - 1) / LANES;                                                                   \
      /* four vectors go as two and two, not three and one */                                                      \
      size_t take = left == 4 ? 2 : left > 3 ? 3 : left;                                                           \
      size_t columns = take * LANES < n - j ? take * LANES : n - j;                                                \
      MASK last = MASK_OF(columns - (take - 1) * LANES);                                                           \
      size_t i = 0;                                                                                                \
      if (take == 3) {                                                                                             \
        ROWS(BLOCK_NAME, MOST, 3) ROWS(BLOCK_NAME, 4, 3) ROWS(BLOCK_NAME, 2, 3) ROWS(BLOCK_NAME, 1, 3)             \
      } else if (take == 2) {                                                                                      \
        ROWS(BLOCK_NAME, MOST, 2) ROWS(BLOCK_NAME, 4, 2) ROWS(BLOCK_NAME, 2, 2) ROWS(BLOCK_NAME, 1, 2)             \
      } else {                                                                                                     \
        ROWS(BLOCK_NAME, 2 * MOST, 1) ROWS(BLOCK_NAME, 8, 1) ROWS(BLOCK_NAME, 2, 1) ROWS(BLOCK_NAME, 1, 1)         \
      }                                                                                                            \
      j += columns;                                                                                                \
    }                                                                                                              \
  }                                                                                                                \
  __attribute__((target(TARGET))) static void NAME(                                                                \
      size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b, size_t b_row,   \
      const int32_t *at, const float *bias, float *c, size_t c_row, int accumulate) {                              \
    if (at)                                                                                                        \
      NAME##_with(0, m, n, k, a, a_row, a_column, b, b_row, at, bias, c, c_row, accumulate);                       \
    else if (a_row == 1) /* as packed, or transposed */                                                            \
      NAME##_with(1, m, n, k, a, 1, a_column, b, b_row, 0, bias, c, c_row, accumulate);                            \
    else                                                                                                           \
      NAME##_with(0, m, n, k, a, a_row, a_column, b, b_row, 0, bias, c, c_row, accumulate);                        \
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
                          const float *b, size_t b_row, const int32_t *at, const float *bias, float *c,
                          size_t c_row, int accumulate) {
  for (size_t i = 0; i < m; i++) {
    float *row = c + i * c_row;
    if (!accumulate)
      for (size_t j = 0; j < n; j++) row[j] = bias ? bias[j] : 0.0f;
    for (size_t p = 0; p < k; p++) {
      float left = a[i * a_row + p * a_column];
      const float *right = at ? b + at[p] : b + p * b_row;
      for (size_t j = 0; j < n; j++) row[j] += left * right[j];
    }
  }
}

typedef void (*Product)(size_t, size_t, size_t, const float *, size_t, size_t, const float *, size_t, const int32_t *,
                        const float *, float *, size_t, int);

// The product for this processor, and how many columns it takes at a time.
static Product product_of(size_t *width) {
#if defined(__x86_64__)
  int have = vm_cpu_features_known();
  *width = have & VM_AVX512_SKX ? 48 : have & VM_AVX2_FMA ? 24 : 64;
  return have & VM_AVX512_SKX ? product4 : have & VM_AVX2_FMA ? product3 : product_plain;
#else
  *width = 64;
  return product_plain;
#endif
}

void vm_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                size_t b_row, const float *bias, float *c, size_t c_row, int accumulate) {
  size_t width;
  product_of(&width)(m, n, k, a, a_row, a_column, b, b_row, 0, bias, c, c_row, accumulate);
}

void vm_product_at(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                   const int32_t *at, float *c, size_t c_row, int accumulate) {
  size_t width;
  product_of(&width)(m, n, k, a, a_row, a_column, b, 0, at, 0, c, c_row, accumulate);
}

// Both sides are packed on the stack for large products: DEEP × 48 numbers of b, which the first cache holds beside a
// band of a, and DEEP × TALL of a, in bands of BAND rows, which the second holds.
enum { DEEP = 192, TALL = 512, BAND = 8, MOST_WIDTH = 64, AHEAD = 8 };
#define IN_LINES __attribute__((aligned(64)))

LOCAL_CLONES void pack(size_t rows, size_t columns, float alpha, const float *b, size_t b_row, size_t b_column,
                 float *panel) {
  if (b_column == 1 && columns % 16 == 0) {
    for (size_t p = 0; p < rows; p++)
      for (size_t j = 0; j < columns; j += 16) {
        __builtin_prefetch(b + (p + AHEAD) * b_row + j);
        memcpy(panel + p * columns + j, b + p * b_row + j, 64);
      }
  } else if (b_column == 1) {
    for (size_t p = 0; p < rows; p++) EACH(j, columns) panel[p * columns + j] = b[p * b_row + j];
  } else if (b_row == 1)
    vm_transpose_strided(columns, rows, b, (ptrdiff_t)b_column, panel, (ptrdiff_t)columns, 0);
  else
    for (size_t p = 0; p < rows; p++)
      for (size_t j = 0; j < columns; j++) panel[p * columns + j] = b[p * b_row + j * b_column];
  if (alpha != 1.0f) vm_affine(rows * columns, panel, alpha, 0.0f, panel);
}

// Bands of a, number by number of k. Columns of a transposed one are read by the line, four bands at once.
LOCAL_CLONES void pack_left(size_t rows, size_t deep, const float *a, size_t a_row, size_t a_column, float *left) {
  size_t r = 0;
  if (a_row == 1)
    for (; r + 4 * BAND <= rows; r += 4 * BAND)
      for (size_t p = 0; p < deep; p++) {
        const float *from = a + p * a_column + r;
        __builtin_prefetch(from + AHEAD * a_column);
        __builtin_prefetch(from + AHEAD * a_column + 2 * BAND);
        for (size_t band = 0; band < 4; band++)
          memcpy(left + (r + band * BAND) * deep + p * BAND, from + band * BAND, BAND * sizeof(float));
      }
  for (; r < rows; r += BAND)
    pack(deep, rows - r < BAND ? rows - r : BAND, 1.0f, a + r * a_row, a_column, a_row, left + r * deep);
}

// k in equal parts of at most DEEP.
static size_t depth(size_t k) {
  size_t parts = (k + DEEP - 1) / DEEP;
  return (k + parts - 1) / parts;
}

// Four vectors go as two and two.
static size_t columns_next(size_t left, size_t width) {
  if (width < MOST_WIDTH && left > width && left <= width / 3 * 4) return width / 3 * 2;
  return left < width ? left : width;
}

static void gemm_panels(Product product, size_t width, size_t m, size_t n, size_t k, float alpha, const float *a, size_t a_row,
                        size_t a_column, const float *b, size_t b_row, size_t b_column, const float *bias, float *c,
                        size_t c_row, int accumulate) {
  IN_LINES float panel[DEEP * MOST_WIDTH];
  size_t step = depth(k);
  for (size_t j = 0, columns; j < n; j += columns) {
    columns = columns_next(n - j, width);
    for (size_t p = 0; p < k; p += step) {
      size_t deep = k - p < step ? k - p : step;
      pack(deep, columns, alpha, b + p * b_row + j * b_column, b_row, b_column, panel);
      product(m, columns, deep, a + p * a_column, a_row, a_column, panel, columns, 0, bias ? bias + j : 0, c + j,
              c_row, accumulate || p > 0);
    }
  }
}

static void gemm_packed(Product product, size_t width, size_t m, size_t n, size_t k, float alpha, const float *a, size_t a_row,
                        size_t a_column, const float *b, size_t b_row, size_t b_column, const float *bias, float *c,
                        size_t c_row, int accumulate) {
  IN_LINES float panel[DEEP * MOST_WIDTH], left[DEEP * TALL];
  size_t step = depth(k);
  for (size_t i = 0; i < m; i += TALL) {
    size_t rows = m - i < TALL ? m - i : TALL;
    for (size_t p = 0; p < k; p += step) {
      size_t deep = k - p < step ? k - p : step;
      pack_left(rows, deep, a + i * a_row + p * a_column, a_row, a_column, left);
      for (size_t j = 0, columns; j < n; j += columns) {
        columns = columns_next(n - j, width);
        pack(deep, columns, alpha, b + p * b_row + j * b_column, b_row, b_column, panel);
        for (size_t r = 0; r < rows; r += BAND) {
          size_t band = rows - r < BAND ? rows - r : BAND;
          product(band, columns, deep, left + r * deep, 1, band, panel, columns, 0, bias ? bias + j : 0,
                  c + (i + r) * c_row + j, c_row, accumulate || p > 0);
        }
      }
    }
  }
}

void vm_gemm(size_t m, size_t n, size_t k, float alpha, const float *a, size_t a_row, size_t a_column, const float *b,
             size_t b_row, size_t b_column, const float *bias, float *c, size_t c_row, int accumulate) {
  size_t width;
  Product product = product_of(&width);
  int as_is = b_column == 1 && alpha == 1.0f && (m <= 24 || b_row <= width || k * b_row <= 4096);
  if (as_is || k == 0) {
    product(m, n, k, a, a_row, a_column, b, b_row, 0, bias, c, c_row, accumulate);
    return;
  }
  // Rows of a that lie along memory are read well as they are, unless many columns read them.
  if (n >= (a_row == 1 ? 2 : 4) * width && m >= 2 * BAND && m * k >= 16384)
    gemm_packed(product, width, m, n, k, alpha, a, a_row, a_column, b, b_row, b_column, bias, c, c_row, accumulate);
  else
    gemm_panels(product, width, m, n, k, alpha, a, a_row, a_column, b, b_row, b_column, bias, c, c_row, accumulate);
}
