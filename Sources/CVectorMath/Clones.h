#pragma once
// One body, compiled for three generations of processors; the loader picks. Elsewhere: plain code.
#if defined(__x86_64__) && defined(__linux__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

// In place is allowed where one element makes one: said to the compiler, which would otherwise go one by one.
#define EACH(i, n) _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < (n); i++)

// Sixteen running sums, so that a sum over a row vectorises without any reordering by the compiler.
enum { LANES = 16 };
INLINE float lanes_total(float *lane) {
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lane[j] += lane[j + half];
  return lane[0];
}
