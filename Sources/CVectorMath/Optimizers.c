#include "Clones.h"
#include "CVectorMath.h"

CLONES void vm_sgd(size_t n, float *w, const float *gradient, float *velocity, float rate, float momentum,
                   int nesterov, float decay, float scale) {
  if (!velocity) {
    EACH(i, n) w[i] -= rate * (gradient[i] * scale + decay * w[i]);
  } else if (nesterov) {
    EACH(i, n) {
      float g = gradient[i] * scale + decay * w[i], v = momentum * velocity[i] + g;
      velocity[i] = v;
      w[i] -= rate * (g + momentum * v);
    }
  } else {
    EACH(i, n) {
      float v = momentum * velocity[i] + (gradient[i] * scale + decay * w[i]);
      velocity[i] = v;
      w[i] -= rate * v;
    }
  }
}

CLONES void vm_adamw(size_t n, float *w, const float *gradient, float *first, float *second, float rate, float beta1,
                     float beta2, float epsilon, float correction1, float correction2, float scale, float decay) {
  float step = rate * correction1, kept = 1.0f - rate * decay;
  EACH(i, n) {
    float g = gradient[i] * scale;
    float m = beta1 * first[i] + (1.0f - beta1) * g, v = beta2 * second[i] + (1.0f - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    w[i] = kept * w[i] - step * m / (__builtin_elementwise_sqrt(v * correction2) + epsilon);
  }
}

CLONES void vm_rmsprop(size_t n, float *w, const float *gradient, float *square, float *velocity, float rate,
                       float smoothing, float momentum, float epsilon, float decay, float scale) {
  if (velocity) {
    EACH(i, n) {
      float g = gradient[i] * scale + decay * w[i], s = smoothing * square[i] + (1.0f - smoothing) * g * g;
      float v = momentum * velocity[i] + g / (__builtin_elementwise_sqrt(s) + epsilon);
      square[i] = s;
      velocity[i] = v;
      w[i] -= rate * v;
    }
  } else {
    EACH(i, n) {
      float g = gradient[i] * scale + decay * w[i], s = smoothing * square[i] + (1.0f - smoothing) * g * g;
      square[i] = s;
      w[i] -= rate * g / (__builtin_elementwise_sqrt(s) + epsilon);
    }
  }
}

CLONES void vm_average(size_t n, float decay, const float *w, float *average) {
  float part = 1.0f - decay;
  EACH(i, n) average[i] = decay * average[i] + part * w[i];
}

CLONES double vm_sum_squares(size_t n, const float *x) {
  enum { CHUNK = 4096 };
  double total = 0;
  for (size_t from = 0; from < n; from += CHUNK) {
    float lane[LANES] = {0};
    const float *p = x + from;
    size_t count = n - from < CHUNK ? n - from : CHUNK, whole = count / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
      for (int j = 0; j < LANES; j++) lane[j] += p[i + j] * p[i + j];
    for (size_t i = whole; i < count; i++) lane[i - whole] += p[i] * p[i];
    total += lanes_total(lane);
  }
  return total;
}
