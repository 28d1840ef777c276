#pragma once
#include <stddef.h>

// Normalised rows: layer, group and instance normalisation. A row holds `channels` runs of `spatial` numbers; row r uses the
// gains and shifts of channels (r % groups)·channels …, so a layer norm over n features is groups 1, channels n,
// spatial 1. Null gains are ones, null shifts zeros. Gives mean and 1/√(variance + ε) of each row.
void vm_norm_rows(size_t rows, size_t groups, size_t channels, size_t spatial, const float *x, float epsilon,
                  const float *gain, const float *shift, float *y, float *mean, float *scale);
// dx (+)= ∂L/∂x for rows from `first` on (x, dy, dx, mean and scale begin at row `first`).
void vm_norm_rows_backward(size_t first, size_t rows, size_t groups, size_t channels, size_t spatial, const float *x,
                           const float *mean, const float *scale, const float *gain, const float *dy, float *dx,
                           int accumulate);
// d_gain[g,c] += Σ dy x̂ and d_shift[g,c] += Σ dy over all rows of group g, for channels first … first + count.
void vm_norm_rows_parameters(size_t rows, size_t groups, size_t channels, size_t spatial, size_t first, size_t count,
                             const float *x, const float *mean, const float *scale, const float *dy, float *d_gain,
                             float *d_shift);
