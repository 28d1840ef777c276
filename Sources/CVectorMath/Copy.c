#include "Clones.h"
#include "CVectorMath.h"
#include "Views.h"

typedef float Eight __attribute__((ext_vector_type(8)));
typedef float Loose __attribute__((ext_vector_type(8), aligned(4), may_alias));
#define AT8(p) (*(Loose *)(p))

#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SECOND(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LEFT(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define RIGHT(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)

// y[c,r] = x[r,c] for 8 × 8 in registers
INLINE void tile8(const float *x, ptrdiff_t x_row, float *y, ptrdiff_t y_row, int accumulate) {
  Eight r[8], t[8], u[8];
  for (int i = 0; i < 8; i++) r[i] = *(const Loose *)(x + i * x_row);
  for (int i = 0; i < 8; i += 2) {
    t[i] = LOW(r[i], r[i + 1]);
    t[i + 1] = HIGH(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    u[i] = FIRST(t[i], t[i + 2]);
    u[i + 1] = SECOND(t[i], t[i + 2]);
    u[i + 2] = FIRST(t[i + 1], t[i + 3]);
    u[i + 3] = SECOND(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    Eight a = LEFT(u[i], u[i + 4]), b = RIGHT(u[i], u[i + 4]);
    float *low = y + i * y_row, *high = y + (i + 4) * y_row;
    AT8(low) = accumulate ? AT8(low) + a : a;
    AT8(high) = accumulate ? AT8(high) + b : b;
  }
}

// y[c,r] (+)= x[r,c]: both have unit stride within their rows.
CLONES void vm_transpose_strided(size_t rows, size_t columns, const float *x, ptrdiff_t x_row, float *y,
                                 ptrdiff_t y_row, int accumulate) {
  size_t whole_rows = rows / 8 * 8, whole_columns = columns / 8 * 8;
  // Strips of 64 columns: their 64 lines of y stay in the first cache while the rows go by.
  for (size_t strip = 0; strip < whole_columns; strip += 64) {
    size_t end = strip + 64 < whole_columns ? strip + 64 : whole_columns;
    for (size_t r = 0; r < whole_rows; r += 8)
      for (size_t c = strip; c < end; c += 8)
        tile8(x + (ptrdiff_t)r * x_row + c, x_row, y + (ptrdiff_t)c * y_row + r, y_row, accumulate);
  }
  for (size_t r = 0; r < rows; r++)
    for (size_t c = r < whole_rows ? whole_columns : 0; c < columns; c++) {
      float v = x[(ptrdiff_t)r * x_row + c], *to = y + (ptrdiff_t)c * y_row + r;
      *to = accumulate ? *to + v : v;
    }
}

INLINE void copy_line(const int accumulate, size_t n, const float *x, const ptrdiff_t x_step, float *y,
                      const ptrdiff_t y_step) {
  EACH(i, n) {
    ptrdiff_t to = (ptrdiff_t)i * y_step;
    y[to] = accumulate ? y[to] + x[(ptrdiff_t)i * x_step] : x[(ptrdiff_t)i * x_step];
  }
}

INLINE void copy_lines(const int accumulate, size_t rows, size_t n, const float *x, ptrdiff_t x_row,
                       ptrdiff_t x_step, float *y, ptrdiff_t y_row, ptrdiff_t y_step) {
  for (size_t r = 0; r < rows; r++, x += x_row, y += y_row) {
    if (y_step == 1 && x_step == 1)
      copy_line(accumulate, n, x, 1, y, 1);
    else if (y_step == 1 && x_step == 0)
      copy_line(accumulate, n, x, 0, y, 1);
    else
      for (size_t i = 0; i < n; i++) {
        float v = x[(ptrdiff_t)i * x_step], *to = y + (ptrdiff_t)i * y_step;
        *to = accumulate ? *to + v : v;
      }
  }
}

LOCAL_CLONES void copy_rows(size_t rows, size_t n, const float *x, ptrdiff_t x_row, ptrdiff_t x_step, float *y,
                             ptrdiff_t y_row, ptrdiff_t y_step, int accumulate) {
  if (accumulate)
    copy_lines(1, rows, n, x, x_row, x_step, y, y_row, y_step);
  else
    copy_lines(0, rows, n, x, x_row, x_step, y, y_row, y_step);
}

static void move_last(View *v, size_t axis) {
  ptrdiff_t extent = v->extents[axis], step[2] = {v->strides[0][axis], v->strides[1][axis]};
  for (size_t d = axis; d + 1 < v->rank; d++) {
    v->extents[d] = v->extents[d + 1];
    for (int k = 0; k < 2; k++) v->strides[k][d] = v->strides[k][d + 1];
  }
  v->extents[v->rank - 1] = extent;
  for (int k = 0; k < 2; k++) v->strides[k][v->rank - 1] = step[k];
}

void vm_copy_strided(size_t rank, const ptrdiff_t *extents, const float *x, const ptrdiff_t *x_strides, float *y,
                     const ptrdiff_t *y_strides, int accumulate) {
  View v = view_of(rank, extents, 2, (const ptrdiff_t *[]){x_strides, y_strides});
  if (v.empty) return;
  // The axis along which y is contiguous goes innermost, that along which x is just outside it.
  size_t inner = v.rank - 1, outer = v.rank;
  for (size_t d = 0; d < v.rank; d++)
    if (v.strides[1][d] == 1) inner = d;
  move_last(&v, inner);
  inner = v.rank - 1;
  for (size_t d = 0; d < inner; d++)
    if (v.strides[0][d] == 1 && v.strides[1][inner] == 1 && v.strides[0][inner] != 1) outer = d;
  if (outer < inner) {
    ptrdiff_t turned = v.extents[outer], x_row = v.strides[0][inner], y_row = v.strides[1][outer];
    View rest = v;
    move_last(&rest, outer);
    WALK(rest, rest.rank - 2, at) {
      vm_transpose_strided((size_t)v.extents[inner], (size_t)turned, x + at[0], x_row, y + at[1], y_row, accumulate);
    }
    return;
  }
  size_t rows = v.rank > 1 ? (size_t)v.extents[inner - 1] : 1;
  ptrdiff_t x_row = v.rank > 1 ? v.strides[0][inner - 1] : 0, y_row = v.rank > 1 ? v.strides[1][inner - 1] : 0;
  WALK(v, v.rank > 1 ? v.rank - 2 : 0, at) {
    copy_rows(rows, (size_t)v.extents[inner], x + at[0], x_row, v.strides[0][inner], y + at[1], y_row,
              v.strides[1][inner], accumulate);
  }
}
