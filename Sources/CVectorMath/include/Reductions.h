#pragma once
#include <stddef.h>
#include <stdint.h>

// Reductions, softmax, losses and normalisations. Rows are independent of one another, and so are columns.

enum { VM_SUM, VM_LARGEST };
// y[o,i] = (accumulate ? y : 0) + factor · reduction over k of x[o,k,i]; x has the steps outer_step, n_step and 1, y is
// contiguous with rows y_step apart. NaN wins.
void vm_reduce(int kind, size_t outer, size_t n, size_t inner, const float *x, ptrdiff_t outer_step,
               ptrdiff_t n_step, float factor, float *y, ptrdiff_t y_step, int accumulate);
// y[o,k,i] = Σ_{l<=k} x[o,l,i], or Σ_{l>=k} when reversed.
void vm_cumulative_sum(size_t outer, size_t n, size_t inner, const float *x, float *y, int reversed, int accumulate);

// Rows of n: y = softmax(x) or x - log Σ e^x. In place is allowed. -∞ counts as absent.
void vm_softmax(size_t rows, size_t n, const float *x, float *y);
void vm_log_softmax(size_t rows, size_t n, const float *x, float *y);
// dx (+)= y (dy - Σ y dy)
void vm_softmax_backward(size_t rows, size_t n, const float *y, const float *dy, float *dx, int accumulate);
// dx (+)= dy - e^y Σ dy
void vm_log_softmax_backward(size_t rows, size_t n, const float *y, const float *dy, float *dx, int accumulate);
// loss = softplus(x) - x target, elementwise
void vm_binary_cross_entropy(size_t n, const float *x, const float *target, float *loss);
// dx[r,c] (+)= factor (d_loss[r·row_step + c·column_step] or 1) (sigmoid(x) - target)
void vm_binary_cross_entropy_backward(size_t rows, size_t n, const float *x, const float *target, float factor,
                                      const float *d_loss, ptrdiff_t row_step, ptrdiff_t column_step, float *dx,
                                      int accumulate);
