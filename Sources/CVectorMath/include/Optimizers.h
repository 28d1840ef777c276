#pragma once
#include <stddef.h>

// What optimizers do to all parameters at once, in one pass each (Optimizers.c). Element by element: any split into parts gives
// the same bits.

// move = scale g + pull w; m = β1 m + (1 - β1) move; v = β2 v + (1 - β2) move²;
// w = shrink w - length m / (√(correction v) + ε)
void vm_adam_step(size_t n, float *weights, const float *gradient, float *first, float *second, float length,
                  float beta1, float beta2, float epsilon, float correction, float scale, float pull, float shrink);
// move = scale g + decay w; m = factor m + move; w -= rate (direct move + along m)
void vm_momentum_step(size_t n, float *weights, const float *gradient, float *velocity, float rate, float factor,
                      float direct, float along, float scale, float decay);
// w -= rate (scale g + decay w)
void vm_descent_step(size_t n, float *weights, const float *gradient, float rate, float scale, float decay);
// move = scale g + decay w; v = α v + (1 - α) move²; q = move / (√v + ε); m = momentum m + q; w -= rate m.
// A null m is none: w -= rate q.
void vm_rmsprop_step(size_t n, float *weights, const float *gradient, float *square, float *velocity, float rate,
                     float alpha, float epsilon, float momentum, float scale, float decay);
// y += share (x - y)
void vm_approach(size_t n, float share, const float *x, float *y);
// Σ x², over chunks of fixed size in double precision
double vm_sum_of_squares(size_t n, const float *x);
