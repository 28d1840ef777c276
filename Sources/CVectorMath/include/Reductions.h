#pragma once
#include <stddef.h>
#include <stdint.h>

// Reductions, softmax, losses and normalisations. Rows are independent of one another, and so are columns.

enum { VM_SUM, VM_SUM_SQUARES, VM_LARGEST, VM_SMALLEST, VM_LOG_SUM_EXP };
// y[o,i] = (accumulate ? y : 0) + factor · reduction over k of x[o,k,i]; x has the steps outer_step, n_step and 1, y is
// contiguous with rows y_step apart. NaN wins largest and smallest.
void vm_reduce(int kind, size_t outer, size_t n, size_t inner, const float *x, ptrdiff_t outer_step,
               ptrdiff_t n_step, float factor, float *y, ptrdiff_t y_step, int accumulate);
// dx[o,k,i] = (accumulate ? dx : 0) + factor · dy[o,i] · ∂/∂x[o,k,i], all contiguous. x and y are read where the kind needs
// them (y as it was with factor 1); of equal extremes each gets its share.
void vm_reduce_backward(int kind, size_t outer, size_t n, size_t inner, const float *x, const float *y, float factor,
                        const float *dy, float *dx, int accumulate);
void vm_argmax(size_t outer, size_t n, size_t inner, const float *x, int32_t *index);
// y[o,k,i] = Σ_{l<=k} x[o,l,i], or Σ_{l>=k} when reversed.
void vm_cumulative_sum(size_t outer, size_t n, size_t inner, const float *x, float *y, int reversed, int accumulate);

// Rows of n: y = softmax(x) or x - log Σ e^x. In place is allowed. -∞ counts as absent.
void vm_softmax(size_t rows, size_t n, const float *x, float *y);
void vm_log_softmax(size_t rows, size_t n, const float *x, float *y);
// dx (+)= y (dy - Σ y dy)
void vm_softmax_backward(size_t rows, size_t n, const float *y, const float *dy, float *dx, int accumulate);
// dx (+)= dy - e^y Σ dy
void vm_log_softmax_backward(size_t rows, size_t n, const float *y, const float *dy, float *dx, int accumulate);
// loss[r] = log Σ e^x[r] - x[r,label]; a negative label counts nothing. Gives also the logarithm. Returns the first row
// whose label is not below n, or -1.
ptrdiff_t vm_cross_entropy(size_t rows, size_t n, const float *x, const int32_t *labels, float *loss, float *log_sum);
// dx (+)= factor (d_loss[r] or 1) (softmax(x) - onehot)
void vm_cross_entropy_backward(size_t rows, size_t n, const float *x, const int32_t *labels, const float *log_sum,
                               float factor, const float *d_loss, float *dx, int accumulate);
// loss = softplus(x) - x target, elementwise, or summed by rows
void vm_binary_cross_entropy(size_t n, const float *x, const float *target, float *loss);
void vm_binary_cross_entropy_rows(size_t rows, size_t n, const float *x, const float *target, float *sum);
// dx[r,c] (+)= factor (d_loss[r·row_step + c·column_step] or 1) (sigmoid(x) - target)
void vm_binary_cross_entropy_backward(size_t rows, size_t n, const float *x, const float *target, float factor,
                                      const float *d_loss, ptrdiff_t row_step, ptrdiff_t column_step, float *dx,
                                      int accumulate);
