#pragma once
#include "Clones.h"
#include <stddef.h>

// Up to eight axes walked by up to three arrays at once, after joining axes that follow one another in all of them.
enum { MOST_AXES = 8 };
typedef struct {
  size_t rank;
  int empty, arrays;
  ptrdiff_t extents[MOST_AXES];
  ptrdiff_t strides[3][MOST_AXES];
} View;

// Null strides stand for a contiguous array. At least one axis comes out.
static inline View view_of(size_t rank, const ptrdiff_t *extents, int arrays, const ptrdiff_t *const *strides) {
  View v = {.rank = 0, .empty = 0, .arrays = arrays};
  ptrdiff_t whole = 1;
  for (size_t d = 0; d < rank; d++) {
    whole *= extents[d];
    if (extents[d] == 0) v.empty = 1;
  }
  for (size_t d = 0; d < rank; d++) {
    if (extents[d] == 0) continue;
    whole /= extents[d] ? extents[d] : 1;
    if (extents[d] == 1) continue;
    ptrdiff_t step[3] = {0, 0, 0};
    int joins = v.rank > 0;
    for (int k = 0; k < arrays; k++) {
      step[k] = strides[k] ? strides[k][d] : whole;
      if (joins) joins = v.strides[k][v.rank - 1] == step[k] * extents[d];
    }
    if (joins)
      v.extents[v.rank - 1] *= extents[d];
    else
      v.extents[v.rank++] = extents[d];
    for (int k = 0; k < arrays; k++) v.strides[k][v.rank - 1] = step[k];
  }
  if (v.rank == 0) {
    v.rank = 1;
    v.extents[0] = 1;
    for (int k = 0; k < arrays; k++) v.strides[k][0] = 1;
  }
  return v;
}

// One step of an odometer over the first `axes` axes: 0 when it has run over.
static inline int view_step(const View *v, size_t axes, ptrdiff_t *index, ptrdiff_t *at) {
  for (size_t d = axes; d-- > 0;) {
    for (int k = 0; k < v->arrays; k++) at[k] += v->strides[k][d];
    if (++index[d] < v->extents[d]) return 1;
    for (int k = 0; k < v->arrays; k++) at[k] -= v->strides[k][d] * v->extents[d];
    index[d] = 0;
  }
  return 0;
}

#define WALK(v, axes, at)                                                                                          \
  ptrdiff_t at##_index[MOST_AXES] = {0}, at[3] = {0, 0, 0};                                                        \
  for (int at##_more = 1; at##_more; at##_more = view_step(&(v), axes, at##_index, at))
