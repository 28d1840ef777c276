#include "Clones.h"
#include "CVectorMath.h"
#include "Views.h"

INLINE float apply(const int operation, float a, float b) {
  switch (operation) {
  case VM_ADD: return a + b;
  case VM_SUBTRACT: return a - b;
  case VM_MULTIPLY: return a * b;
  case VM_DIVIDE: return a / b;
  case VM_MAXIMUM: return ((a > b) | (a != a)) ? a : b;  // a NaN wins
  case VM_MINIMUM: return ((a < b) | (a != a)) ? a : b;
  case VM_GREATER: return a > b ? 1.0f : 0.0f;
  case VM_GREATER_EQUAL: return a >= b ? 1.0f : 0.0f;
  case VM_LESS: return a < b ? 1.0f : 0.0f;
  case VM_LESS_EQUAL: return a <= b ? 1.0f : 0.0f;
  case VM_EQUAL: return a == b ? 1.0f : 0.0f;
  default: return a != b ? 1.0f : 0.0f;
  }
}

INLINE void line(const int operation, const int accumulate, size_t n, const float *a, const ptrdiff_t a_step,
                 const float *b, const ptrdiff_t b_step, float *z) {
  EACH(i, n) {
    float v = apply(operation, a[(ptrdiff_t)i * a_step], b[(ptrdiff_t)i * b_step]);
    z[i] = accumulate ? z[i] + v : v;
  }
}

typedef struct {
  size_t rows, columns;
  const float *a, *b;
  ptrdiff_t a_row, a_column, b_row, b_column, z_row;
  float *z;
} Pair;

INLINE void lines(const int operation, const int accumulate, const Pair *p) {
  for (size_t r = 0; r < p->rows; r++) {
    const float *a = p->a + (ptrdiff_t)r * p->a_row, *b = p->b + (ptrdiff_t)r * p->b_row;
    float *z = p->z + (ptrdiff_t)r * p->z_row;
    if (p->a_column == 1 && p->b_column == 1)
      line(operation, accumulate, p->columns, a, 1, b, 1, z);
    else if (p->a_column == 1 && p->b_column == 0)
      line(operation, accumulate, p->columns, a, 1, b, 0, z);
    else if (p->a_column == 0 && p->b_column == 1)
      line(operation, accumulate, p->columns, a, 0, b, 1, z);
    else
      for (size_t c = 0; c < p->columns; c++)
        line(operation, accumulate, 1, a + (ptrdiff_t)c * p->a_column, 0, b + (ptrdiff_t)c * p->b_column, 0, z + c);
  }
}

#define CASE(NAME)                                                                                                 \
  case NAME:                                                                                                       \
    if (accumulate)                                                                                                \
      lines(NAME, 1, &p);                                                                                          \
    else                                                                                                           \
      lines(NAME, 0, &p);                                                                                          \
    return;

LOCAL_CLONES void pair(int operation, Pair p, int accumulate) {
  switch (operation) {
    CASE(VM_ADD)
    CASE(VM_SUBTRACT)
    CASE(VM_MULTIPLY)
    CASE(VM_DIVIDE)
    CASE(VM_MAXIMUM)
    CASE(VM_MINIMUM)
    CASE(VM_GREATER)
    CASE(VM_GREATER_EQUAL)
    CASE(VM_LESS)
    CASE(VM_LESS_EQUAL)
    CASE(VM_EQUAL)
    CASE(VM_NOT_EQUAL)
  default: return;
  }
}

// A short row that serves every row, repeated until lines are long enough to be worth their beginning and end.
enum { TILE = 1024, SHORT = 64 };
static size_t repeated(size_t rows, size_t columns, const float *row, float *tile) {
  size_t times = TILE / columns < rows ? TILE / columns : rows;
  for (size_t t = 0; t < times; t++)
    for (size_t c = 0; c < columns; c++) tile[t * columns + c] = row[c];
  return times;
}

void vm_binary(int operation, size_t rows, size_t columns, const float *a, ptrdiff_t a_row, ptrdiff_t a_column,
               const float *b, ptrdiff_t b_row, ptrdiff_t b_column, float *z, ptrdiff_t z_row, int accumulate) {
  Pair p = {rows, columns, a, b, a_row, a_column, b_row, b_column, z_row, z};
  ptrdiff_t width = (ptrdiff_t)columns;
  int dense = z_row == width, same_a = a_row == width && a_column == 1, same_b = b_row == width && b_column == 1;
  int single_a = a_row == 0 && a_column == 0, single_b = b_row == 0 && b_column == 0;
  if (rows > 1 && dense && (same_a || single_a) && (same_b || single_b)) {
    p.columns = rows * columns;
    p.rows = 1;
  } else if (rows > 3 && dense && columns > 1 && columns < SHORT && same_a && b_row == 0 && b_column == 1) {
    float tile[TILE];
    size_t times = repeated(rows, columns, b, tile);
    p = (Pair){rows / times, times * columns, a, tile, (ptrdiff_t)times * width, 1, 0, 1, (ptrdiff_t)times * width, z};
    pair(operation, p, accumulate);
    size_t done = p.rows * p.columns;
    p = (Pair){1, rows * columns - done, a + done, tile, 0, 1, 0, 1, 0, z + done};
  } else if (rows > 3 && dense && columns > 1 && columns < SHORT && same_b && a_row == 0 && a_column == 1) {
    float tile[TILE];
    size_t times = repeated(rows, columns, a, tile);
    p = (Pair){rows / times, times * columns, tile, b, 0, 1, (ptrdiff_t)times * width, 1, (ptrdiff_t)times * width, z};
    pair(operation, p, accumulate);
    size_t done = p.rows * p.columns;
    p = (Pair){1, rows * columns - done, tile, b + done, 0, 1, 0, 1, 0, z + done};
  }
  pair(operation, p, accumulate);
}
