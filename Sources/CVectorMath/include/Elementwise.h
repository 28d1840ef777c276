#pragma once
#include <stddef.h>
#include <stdint.h>

// Kernels of one and two arguments, and copies between strided views. Any split into parts gives the same bits.

enum {
  VM_EXP, VM_LOG, VM_TANH, VM_SIGMOID, VM_SOFTPLUS, VM_RELU, VM_GELU, VM_GELU_TANH, VM_SILU, VM_SQRT, VM_RSQRT,
  VM_SQUARE, VM_ABS, VM_SIGN, VM_SIN, VM_COS, VM_ERF, VM_NEGATE, VM_RECIPROCAL, VM_LEAKY_RELU, VM_ELU, VM_IDENTITY,
  VM_FLOOR
};
// y = f(x); the parameter is the slope of leaky ReLU or the scale of ELU, otherwise unused. In place is allowed.
void vm_unary(int function, size_t n, const float *x, float parameter, float *y);
// dx = (accumulate ? dx : 0) + dy f'(x), from x or from y = f(x), whichever serves; the other may be null:
// y for exp, tanh, sigmoid, relu, sqrt, rsqrt, reciprocal, elu; x for all others.
void vm_unary_backward(int function, size_t n, const float *x, const float *y, float parameter, const float *dy,
                       float *dx, int accumulate);

enum {
  VM_ADD, VM_SUBTRACT, VM_MULTIPLY, VM_DIVIDE, VM_MAXIMUM, VM_MINIMUM, VM_GREATER, VM_GREATER_EQUAL, VM_LESS,
  VM_LESS_EQUAL, VM_EQUAL, VM_NOT_EQUAL
};
// z[r,c] = (accumulate ? z[r,c] : 0) + a[r,c] ∘ b[r,c]; strides of 0 broadcast. Comparisons give 1 or 0; maximum and
// minimum give NaN when either is. z may be a or b where their strides are the same.
void vm_binary(int operation, size_t rows, size_t columns, const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
               const float *b, ptrdiff_t b_row, ptrdiff_t b_column, float *z, ptrdiff_t z_row, int accumulate);
// y = (accumulate ? y : 0) + x between views of the same extents with any strides (0 in x broadcasts), up to eight axes.
void vm_copy_strided(size_t rank, const ptrdiff_t *extents, const float *x, const ptrdiff_t *x_strides, float *y,
                     const ptrdiff_t *y_strides, int accumulate);

// y = min(max(x, low), high); NaN passes.
void vm_clamp(size_t n, const float *x, float low, float high, float *y);
// y = factor x + shift
void vm_affine(size_t n, const float *x, float factor, float shift, float *y);
// y[c,r] = (accumulate ? y[c,r] : 0) + x[r,c], each with unit stride within its rows.
void vm_transpose_strided(size_t rows, size_t columns, const float *x, ptrdiff_t x_row, float *y, ptrdiff_t y_row,
                          int accumulate);
