#pragma once
#include <stddef.h>
#include <stdint.h>

// Convolutions of batch × channels × height × width (one dimension: height 1) without im2col: every tap is a shifted view of
// the padded image, so a convolution is one product whose rows of b are named by offsets. Strides are turned into as many
// smaller images (phases). Correlation as everywhere in deep learning: y[o] = Σ w[o,i,tap] x[i, stride·out + dilation·tap - pad].
typedef struct {
  size_t channels, height, width, outputs, groups;
  size_t kernel_height, kernel_width, stride_height, stride_width, dilation_height, dilation_width;
  size_t top, bottom, left, right;  // padding
  const uint8_t *taps;              // kernel_height × kernel_width flags: 0 leaves a tap out (masked kernels); null is all
} vm_convolution;

size_t vm_convolution_height(const vm_convolution *s);
size_t vm_convolution_width(const vm_convolution *s);
// Floats of working space that each of the three needs at most.
size_t vm_convolution_space(const vm_convolution *s);
// y = x * w + bias; w is outputs × channels/groups × kernel; a null bias is none.
void vm_convolve(const vm_convolution *s, size_t batch, const float *x, const float *w, const float *bias, float *y,
                 float *space);
// dx (+)= ∂L/∂x (which is also the transposed convolution)
void vm_convolve_input(const vm_convolution *s, size_t batch, const float *w, const float *dy, float *dx,
                       int accumulate, float *space);
// dw += ∂L/∂w and db += ∂L/∂bias (unless null) for output channels first … first + count of one group or of all.
void vm_convolve_weights(const vm_convolution *s, size_t batch, size_t first, size_t count, const float *x,
                         const float *dy, float *dw, float *db, float *space);
// columns[(i,tap), out] of one image, channels × kernel rows of out height × width; and its transpose: dx += …
void vm_im2col(const vm_convolution *s, const float *x, float *columns);
void vm_col2im(const vm_convolution *s, const float *columns, float *dx);
// c[i,p] += Σ_j a[i,j] b[at[p] + j], j < k: rows of a and b are read along, so this is a product with b transposed.
void vm_dots_at(size_t m, size_t n, size_t k, const float *a, size_t a_row, const float *b, const int32_t *at,
                float *c, size_t c_row);
