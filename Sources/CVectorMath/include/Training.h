#pragma once
#include <stddef.h>
#include <stdint.h>

// Optimizers over flat buffers (g = scale · gradient throughout; scale clips), and random numbers.

// g += decay w; velocity = momentum velocity + g; w -= rate (nesterov ? g + momentum velocity : velocity). A null velocity is
// none.
void vm_sgd(size_t n, float *w, const float *gradient, float *velocity, float rate, float momentum, int nesterov,
            float decay, float scale);
// Loshchilov & Hutter 2019: w -= rate decay w, then the Adam step. Corrections as in vm_adam.
void vm_adamw(size_t n, float *w, const float *gradient, float *first, float *second, float rate, float beta1,
              float beta2, float epsilon, float correction1, float correction2, float scale, float decay);
// square = smoothing square + (1 - smoothing) g²; step = g / (√square + ε); with a velocity: velocity = momentum velocity +
// step, w -= rate velocity; otherwise w -= rate step.
void vm_rmsprop(size_t n, float *w, const float *gradient, float *square, float *velocity, float rate,
                float smoothing, float momentum, float epsilon, float decay, float scale);
// average = decay average + (1 - decay) w
void vm_average(size_t n, float decay, const float *w, float *average);
// In double between chunks of 4096.
double vm_sum_squares(size_t n, const float *x);

enum { VM_RANDOM_UNIFORM, VM_RANDOM_NORMAL, VM_RANDOM_DROPOUT, VM_RANDOM_GUMBEL };
// Numbers made of the words of the Philox blocks counter, counter + 1, …; the parameter is the chance of keeping (dropout: 1/p
// or 0).
void vm_random(int kind, size_t n, uint64_t counter, uint64_t stream, uint64_t key, float parameter, float *y);
// index[r] from row r of logits by one uniform number per row: the first whose part of Σ e^x passes u.
void vm_categorical(size_t rows, size_t n, const float *logits, const float *u, int32_t *index);
