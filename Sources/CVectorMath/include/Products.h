#pragma once
#include <stddef.h>
#include <stdint.h>

// Matrix products of any size. Each number of c is one chain of (fused) multiply-adds in the order of k, so any part of c
// computed alone has the same bits.

// c[m,n] = (accumulate ? c : bias or 0) + alpha a[m,k]·b[k,n]; a and b have any strides, c has unit column stride.
void vm_gemm(size_t m, size_t n, size_t k, float alpha, const float *a, size_t a_row, size_t a_column, const float *b,
             size_t b_row, size_t b_column, const float *bias, float *c, size_t c_row, int accumulate);
// The same where row p of b begins at b + at[p] (convolutions: the rows are shifted views of one image).
void vm_product_at(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_column, const float *b,
                   const int32_t *at, float *c, size_t c_row, int accumulate);
