#include "Clones.h"
#include "CVectorMath.h"
#include <math.h>
#include <string.h>

// What distances are made of. Sums go term after term in the order of a plain loop, for sixteen rows side by side: the
// same bits as one row after the other, without waiting for each addition.
#pragma clang fp contract(off)

// Fewer rows than FEW are quicker by themselves.
enum { SIDE = 16, PANEL = 48, TALL = 64, FEW = 4 };
#define UNROLL _Pragma("clang loop unroll(full)")

// The halves of two vectors, number by number in turn: four rounds of it over sixteen vectors transpose them.
#define FIRST_HALVES(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define LAST_HALVES(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#define ROUND(to, from)                                  \
  UNROLL for (int i = 0; i < SIDE / 2; i++) {            \
    to[2 * i] = FIRST_HALVES(from[i], from[i + 8]);      \
    to[2 * i + 1] = LAST_HALVES(from[i], from[i + 8]);   \
  }

CLONES void vm_ordered_squares(size_t rows, size_t columns, const float *x, size_t x_row, const float *shift,
                               const float *factor, float *centred, float *sum) {
  for (size_t first = 0; first < rows; first += SIDE) {
    const size_t count = rows - first < SIDE ? rows - first : SIDE;
    if (count < FEW) {
      for (size_t i = first; i < rows; i++)
        for (size_t j = 0; j < columns; j++) {
          const float value = x[i * x_row + j] - (shift ? shift[j] : 0.0f);
          if (centred) centred[i * columns + j] = value;
          sum[i] += (factor ? factor[j] : 1.0f) * value * value;
        }
      return;
    }
    lanes16 total = 0;
    memcpy(&total, sum + first, count * sizeof(float));
    for (size_t j = 0; j < columns; j += SIDE) {
      const size_t wide = columns - j < SIDE ? columns - j : SIDE;
      const size_t bytes = wide * sizeof(float);
      lanes16 term[SIDE], turned[SIDE], less = 0, times = 1;
      if (shift) memcpy(&less, shift + j, bytes);
      if (factor) memcpy(&times, factor + j, bytes);
      if (count == SIDE && wide == SIDE) {
        UNROLL for (int i = 0; i < SIDE; i++) {
          LOAD16(value, x + (first + (size_t)i) * x_row + j);
          value -= less;
          if (centred) memcpy(centred + (first + (size_t)i) * columns + j, &value, sizeof value);
          term[i] = times * value * value;
        }
      } else {
        // A term of what is not there is 0, which changes no sum.
        for (size_t i = 0; i < SIDE; i++) {
          lanes16 value = 0;
          if (i < count) {
            memcpy(&value, x + (first + i) * x_row + j, bytes);
            value -= less;
            if (centred) memcpy(centred + (first + i) * columns + j, &value, bytes);
          }
          term[i] = times * value * value;
        }
      }
      ROUND(turned, term)
      ROUND(term, turned)
      ROUND(turned, term)
      ROUND(term, turned)
      UNROLL for (int i = 0; i < SIDE; i++) total += term[i];
    }
    memcpy(sum + first, &total, count * sizeof(float));
  }
}

// best = the lesser of itself and squares - 2 products, sixteen points at a time.
LOCAL_CLONES void lessen(size_t rows, size_t columns, const float *products, const float *squares, float *best) {
  float own[PANEL];
  for (size_t j = 0; j < PANEL; j++) own[j] = j < columns ? squares[j] : INFINITY;
  for (size_t i = 0; i < rows; i++) {
    LOAD16(least, best + i * SIDE);
    for (size_t j = 0; j < columns; j += SIDE) {
      LOAD16(product, products + i * PANEL + j);
      LOAD16(square, own + j);
      lanes16 distance = square - 2.0f * product;
      least = distance < least ? distance : least;
    }
    memcpy(best + i * SIDE, &least, sizeof least);
  }
}

void vm_nearest(size_t rows, size_t points, size_t width, const float *x, size_t x_row, const float *columns,
                const float *squares, float *least) {
  float best[TALL * SIDE], products[TALL * PANEL];
  // Beyond the last point nothing is written, and what is read counts for nothing.
  memset(products, 0, (rows < TALL ? rows : TALL) * PANEL * sizeof(float));
  for (size_t first = 0; first < rows; first += TALL) {
    const size_t count = rows - first < TALL ? rows - first : TALL;
    for (size_t i = 0; i < count * SIDE; i++) best[i] = INFINITY;
    for (size_t j = 0; j < points;) {
      const size_t left = points - j;
      // Four vectors go as two and two.
      const size_t take = left > PANEL && left <= PANEL + SIDE ? 2 * SIDE : left < PANEL ? left : PANEL;
      vm_product(count, take, width, x + first * x_row, x_row, 1, columns + j, points, 0, products, PANEL, 0);
      lessen(count, take, products, squares + j, best);
      j += take;
    }
    for (size_t i = 0; i < count; i++) {
      float one = INFINITY;
      for (size_t lane = 0; lane < SIDE; lane++) one = best[i * SIDE + lane] < one ? best[i * SIDE + lane] : one;
      least[first + i] = one;
    }
  }
}
