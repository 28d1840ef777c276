#pragma once
#include <stddef.h>
#include <stdint.h>
#include "Convolutions.h"
#include "Elementwise.h"
#include "Normalisation.h"
#include "Products.h"
#include "Reductions.h"
#include "Sequences.h"
#include "Training.h"

// Vectorised elementary functions and the few fused kernels of training and scoring. No state, no allocation.
// NaN passes through, infinities give their limits. Arrays may be in place (y == x) where one element makes one.

// --- Elementary functions (Elementary.c) ---
void vm_exp(size_t n, const float *x, float *y);
void vm_log(size_t n, const float *x, float *y);
void vm_tanh(size_t n, const float *x, float *y);
void vm_sigmoid(size_t n, const float *x, float *y);
void vm_softplus(size_t n, const float *x, float *y);
// sum[r] = Σ_c softplus(x[r,c] + bias[c]); a null bias is none.
void vm_bias_softplus_sum_rows(size_t rows, size_t columns, const float *bias, const float *x, float *sum);

// --- Sums and errors by rows (Rows.c) ---
// z = clamp((x - shift) * scale, ±bound); a masked entry gives 0. A null mask means all observed.
void vm_standardise_rows(size_t rows, size_t columns, const float *x, const float *mask, const float *shift,
                         const float *scale, float bound, float *z);
// sum[r] = Σ_c mask weight (x - y)²; count[r] = Σ_c mask. A null mask or weight is all ones; null y is zero.
void vm_squared_error_rows(size_t rows, size_t columns, const float *x, const float *y, const float *weight,
                           const float *mask, float *sum, float *count);
// delta = mask (y - x) factor[c]; returns Σ mask (y - x)² factor[c]. A null mask or factor is all ones.
float vm_masked_error(size_t rows, size_t columns, const float *x, const float *y, const float *factor,
                      const float *mask, float *delta);
// sum[c] += scale Σ_r x[r,c]
void vm_column_sums(size_t rows, size_t columns, float scale, const float *x, float *sum);
// delta *= 1 - y² (the derivative of tanh at y = tanh(x))
void vm_tanh_backward(size_t n, const float *y, float *delta);
// The Adam step of Kingma & Ba 2015; correction1 = 1/(1-β1^t), correction2 = 1/(1-β2^t).
void vm_adam(size_t n, float *weights, const float *gradient, float *first, float *second, float rate, float beta1,
             float beta2, float epsilon, float correction1, float correction2, float scale, float decay);
void vm_transpose(size_t rows, size_t columns, const float *x, float *y);
// x += factor·y
void vm_axpy(size_t n, float factor, const float *y, float *x);
// x *= y
void vm_multiply(size_t n, const float *y, float *x);
// x[r,c] = shift[c] + scale[c]·(x[r,c] + noise[r,c]); a null noise is none.
void vm_affine_rows(size_t rows, size_t columns, const float *shift, const float *scale, const float *noise, float *x);
// x[r,c] *= scale[c]
void vm_scale_rows(size_t rows, size_t columns, const float *scale, float *x);
// x = u < x ? 1 : 0: a draw with probability x from u uniform on (0, 1)
void vm_bernoulli(size_t n, const float *u, float *x);
float vm_dot(size_t n, const float *x, const float *y);
float vm_sum(size_t n, const float *x);
float vm_maximum(size_t n, const float *x);
// 1 when no element is NaN or infinite
int vm_all_finite(size_t n, const float *x);
// 1 when the size of an element exceeds the bound
int vm_any_beyond(size_t n, const float *x, float bound);

// --- Matrix product for small shapes (Product.c) ---
// c[m,n] = (accumulate ? c : bias or 0) + a[m,k]·b[k,n]; a has any strides, b and c have unit column stride.
void vm_product(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                size_t b_row, const float *bias, float *c, size_t c_row, int accumulate);

// --- Distances (Nearest.c) ---
// sum[r] += Σ_c factor[c] (x[r,c] - shift[c])², term after term in the order of c; a null shift is 0, a null factor 1. A
// centred that is not null (rows × columns) receives x - shift. The same bits on every processor.
void vm_ordered_squares(size_t rows, size_t columns, const float *x, size_t x_row, const float *shift,
                        const float *factor, float *centred, float *sum);
// least[r] = min over p of squares[p] - 2 Σ_c x[r,c]·columns[c,p], columns being width × points: the products are those of
// vm_product.
void vm_nearest(size_t rows, size_t points, size_t width, const float *x, size_t x_row, const float *columns,
                const float *squares, float *least);

// --- Thresholds that follow scores (Thresholds.c) ---
enum { VM_LEVELS = 16, VM_THRESHOLD_PERIOD = 16 };
typedef struct {
  float tail, shape, least_gap, agility, weight, bottom, reach, allowance;
  uint32_t counted;
} vm_thresholds;
// logp[i] = ln p of u[i] by the thresholds of all levels (arrays of VM_LEVELS), which then learn from it: adaptive
// conformal inference, settled once in VM_THRESHOLD_PERIOD counted scores. All scores are finite.
void vm_follow_thresholds(size_t n, const float *u, const float *alphas, const float *logs, const float *factors,
                          float step, vm_thresholds *state, float *thresholds, float *allowances, float *steps,
                          float *logp);

// The same of thresholds that learn nothing: logp[i] = ln p of u[i].
void vm_threshold_log_p(size_t n, const float *u, const float *thresholds, const float *logs, float tail, float shape,
                        float least_gap, float *logp);

// --- Random numbers (Random.c): Philox4x32-10, Salmon et al. 2011 ---
// 4·blocks words: block i has the counter (counter + i, stream).
void vm_philox(size_t blocks, uint64_t counter, uint64_t stream, uint64_t key, uint32_t *words);
// Two standard normals of every two words (Box and Muller 1958); n is even. The same bits on every processor.
void vm_normal(size_t n, const uint32_t *words, float *y);

// --- What the processor offers (Processor.c): bits of vm_cpu_features ---
enum { VM_AVX2_FMA = 1, VM_AVX512_SKX = 2, VM_AVX512_BF16 = 4 };
int vm_cpu_features(void);
// The same, remembered.
int vm_cpu_features_known(void);
// Large blocks go back to the system when they are freed, and threads share two heaps; see Processor.giveMemoryBack.
void vm_give_memory_back(void);
// Runs this program again from its beginning with the same arguments; returns only if that failed.
int vm_restart(void);
