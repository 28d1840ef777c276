#include "CVectorMath.h"
#include "Elementary.h"

#define MAP(NAME, VALUE)                                                                                           \
  case NAME:                                                                                                       \
    EACH(i, n) {                                                                                                   \
      float v = x[i];                                                                                              \
      y[i] = (VALUE);                                                                                              \
    }                                                                                                              \
    return;

CLONES void vm_unary(int function, size_t n, const float *x, float parameter, float *y) {
  switch (function) {
    MAP(VM_EXP, exponential(v))
    MAP(VM_LOG, logarithm(v))
    MAP(VM_TANH, hyperbolic_tangent(v))
    MAP(VM_SIGMOID, logistic(v))
    MAP(VM_SOFTPLUS, soft_plus(v))
    MAP(VM_RELU, v < 0.0f ? 0.0f : v)
    MAP(VM_GELU, gelu_value(v))
    MAP(VM_GELU_TANH, gelu_tanh_value(v))
    MAP(VM_SILU, v * logistic(v))
    MAP(VM_SQRT, __builtin_elementwise_sqrt(v))
    MAP(VM_RSQRT, 1.0f / __builtin_elementwise_sqrt(v))
    MAP(VM_SQUARE, v * v)
    MAP(VM_ABS, absolute(v))
    MAP(VM_SIGN, sign_of(v))
    MAP(VM_SIN, sine_ahead(v, 0))
    MAP(VM_COS, sine_ahead(v, 1))
    MAP(VM_ERF, error_function(v))
    MAP(VM_NEGATE, -v)
    MAP(VM_RECIPROCAL, 1.0f / v)
    MAP(VM_LEAKY_RELU, v < 0.0f ? parameter * v : v)
    MAP(VM_ELU, v < 0.0f ? parameter * (exponential(v) - 1.0f) : v)
    MAP(VM_IDENTITY, v)
    MAP(VM_FLOOR, __builtin_elementwise_floor(v))
  default: return;
  }
}

// ARGUMENT is x or y, whichever the slope is written in.
#define SLOPE(NAME, ARGUMENT, VALUE)                                                                               \
  case NAME:                                                                                                       \
    if (accumulate) {                                                                                              \
      EACH(i, n) {                                                                                                 \
        float v = ARGUMENT[i];                                                                                     \
        dx[i] += dy[i] * (VALUE);                                                                                  \
      }                                                                                                            \
    } else {                                                                                                       \
      EACH(i, n) {                                                                                                 \
        float v = ARGUMENT[i];                                                                                     \
        dx[i] = dy[i] * (VALUE);                                                                                   \
      }                                                                                                            \
    }                                                                                                              \
    return;

CLONES void vm_unary_backward(int function, size_t n, const float *x, const float *y, float parameter,
                              const float *dy, float *dx, int accumulate) {
  switch (function) {
    SLOPE(VM_EXP, y, v)
    SLOPE(VM_LOG, x, 1.0f / v)
    SLOPE(VM_TANH, y, 1.0f - v * v)
    SLOPE(VM_SIGMOID, y, v * (1.0f - v))
    SLOPE(VM_SOFTPLUS, x, logistic(v))
    SLOPE(VM_RELU, y, v > 0.0f ? 1.0f : 0.0f)
    SLOPE(VM_GELU, x, gelu_slope(v))
    SLOPE(VM_GELU_TANH, x, gelu_tanh_slope(v))
    SLOPE(VM_SILU, x, silu_slope(v))
    SLOPE(VM_SQRT, y, 0.5f / v)
    SLOPE(VM_RSQRT, y, -0.5f * v * v * v)
    SLOPE(VM_SQUARE, x, 2.0f * v)
    SLOPE(VM_ABS, x, sign_of(v))
    SLOPE(VM_SIGN, x, 0.0f * v)
    SLOPE(VM_SIN, x, sine_ahead(v, 1))
    SLOPE(VM_COS, x, -sine_ahead(v, 0))
    SLOPE(VM_ERF, x, 1.12837916709551257f * normal_exponential(-v * v))
    SLOPE(VM_NEGATE, dy, -1.0f + 0.0f * v)
    SLOPE(VM_RECIPROCAL, y, -v * v)
    SLOPE(VM_LEAKY_RELU, x, v < 0.0f ? parameter : 1.0f)
    SLOPE(VM_ELU, y, v < 0.0f ? v + parameter : 1.0f)
    SLOPE(VM_IDENTITY, dy, 1.0f + 0.0f * v)
    SLOPE(VM_FLOOR, x, 0.0f * v)
  default: return;
  }
}

CLONES void vm_clamp(size_t n, const float *x, float low, float high, float *y) {
  EACH(i, n) {
    float v = x[i] < low ? low : x[i];
    y[i] = v > high ? high : v;
  }
}

CLONES void vm_affine(size_t n, const float *x, float factor, float shift, float *y) {
  EACH(i, n) y[i] = factor * x[i] + shift;
}
