#pragma once
// One body, compiled for three generations of processors; the loader picks. Elsewhere: plain code.
// Whole 512-bit registers are used where there are such, which compilers otherwise shun for fear of slower clocks.
// With VM_ONE_TARGET all is compiled for the processor that the compiler is told (`-Xcc -DVM_ONE_TARGET -Xcc -march=x86-64-v3`): so
// the tests run the code of other processors than their own.
#if defined(__x86_64__) && defined(__linux__) && !defined(VM_ONE_TARGET)
#define CLONES \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), min_vector_width(512)))
// For functions of one file, which the compiler does not let have both.
#define LOCAL_CLONES static __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#define LOCAL_CLONES static
#endif
#define INLINE static inline __attribute__((always_inline))

// In place is allowed where one element makes one: said to the compiler, which would otherwise go one by one.
#define EACH(i, n) \
  _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)") for (size_t i = 0; i < (n); i++)

// Sixteen running sums, so that a sum over a row vectorises without any reordering by the compiler.
enum { LANES = 16 };
INLINE float lanes_total(float *lane) {
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int j = 0; j < half; j++) lane[j] += lane[j + half];
  return lane[0];
}

// The same in one vector. A macro loads it, as no function may give a vector wider than the plainest processor has.
typedef float lanes16 __attribute__((ext_vector_type(16)));
#define LOAD16(name, from) \
  lanes16 name;            \
  __builtin_memcpy(&name, from, sizeof name)
INLINE float vector_total(const lanes16 *lane) {
  lanes16 s = *lane;
  s += __builtin_shufflevector(s, s, 8, 9, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1);
  s += __builtin_shufflevector(s, s, 4, 5, 6, 7, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  s += __builtin_shufflevector(s, s, 2, 3, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  return s[0] + s[1];
}
