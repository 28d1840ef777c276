#include "Clones.h"
#include "CVectorMath.h"

CLONES void vm_adam_step(size_t n, float *restrict weights, const float *restrict gradient, float *restrict first,
                         float *restrict second, float length, float beta1, float beta2, float epsilon,
                         float correction, float scale, float pull, float shrink) {
  for (size_t i = 0; i < n; i++) {
    float move = gradient[i] * scale + pull * weights[i];
    float mean = beta1 * first[i] + (1.0f - beta1) * move;
    float square = beta2 * second[i] + (1.0f - beta2) * move * move;
    first[i] = mean;
    second[i] = square;
    weights[i] = shrink * weights[i] - length * mean / (__builtin_elementwise_sqrt(square * correction) + epsilon);
  }
}

CLONES void vm_momentum_step(size_t n, float *restrict weights, const float *restrict gradient,
                             float *restrict velocity, float rate, float factor, float direct, float along,
                             float scale, float decay) {
  for (size_t i = 0; i < n; i++) {
    float move = gradient[i] * scale + decay * weights[i];
    float speed = factor * velocity[i] + move;
    velocity[i] = speed;
    weights[i] -= rate * (direct * move + along * speed);
  }
}

CLONES void vm_descent_step(size_t n, float *restrict weights, const float *restrict gradient, float rate,
                            float scale, float decay) {
  for (size_t i = 0; i < n; i++) weights[i] -= rate * (gradient[i] * scale + decay * weights[i]);
}

CLONES void vm_rmsprop_step(size_t n, float *restrict weights, const float *restrict gradient,
                            float *restrict square, float *restrict velocity, float rate, float alpha, float epsilon,
                            float momentum, float scale, float decay) {
  if (velocity) {
    for (size_t i = 0; i < n; i++) {
      float move = gradient[i] * scale + decay * weights[i];
      float mean = alpha * square[i] + (1.0f - alpha) * move * move;
      float speed = momentum * velocity[i] + move / (__builtin_elementwise_sqrt(mean) + epsilon);
      square[i] = mean;
      velocity[i] = speed;
      weights[i] -= rate * speed;
    }
  } else {
    for (size_t i = 0; i < n; i++) {
      float move = gradient[i] * scale + decay * weights[i];
      float mean = alpha * square[i] + (1.0f - alpha) * move * move;
      square[i] = mean;
      weights[i] -= rate * (move / (__builtin_elementwise_sqrt(mean) + epsilon));
    }
  }
}

CLONES void vm_approach(size_t n, float share, const float *restrict x, float *restrict y) {
  for (size_t i = 0; i < n; i++) y[i] += share * (x[i] - y[i]);
}

CLONES double vm_sum_of_squares(size_t n, const float *x) {
  enum { CHUNK = 4096 };
  double total = 0;
  for (size_t start = 0; start < n; start += CHUNK) {
    size_t end = start + CHUNK < n ? start + CHUNK : n;
    float lane[LANES] = {0};
    size_t whole = start + (end - start) / LANES * LANES;
    for (size_t i = start; i < whole; i += LANES)
      for (int j = 0; j < LANES; j++) lane[j] += x[i + j] * x[i + j];
    for (size_t i = whole; i < end; i++) lane[i - whole] += x[i] * x[i];
    total += lanes_total(lane);
  }
  return total;
}
