#include "CVectorMath.h"
#include <fcntl.h>
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#include <unistd.h>

int vm_cpu_features(void) {
  int features = 0;
#if defined(VM_ONE_TARGET)
#if defined(__AVX2__) && defined(__FMA__)
  features |= VM_AVX2_FMA;
#endif
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
  features |= VM_AVX512_SKX;
#endif
#elif defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) features |= VM_AVX2_FMA;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    features |= VM_AVX512_SKX;
  if (__builtin_cpu_supports("avx512bf16")) features |= VM_AVX512_BF16;
#endif
  return features;
}

int vm_cpu_features_known(void) {
  static int features = -1;  // written once with the same value by whoever comes first
  int have = __atomic_load_n(&features, __ATOMIC_RELAXED);
  if (have < 0) {
    have = vm_cpu_features();
    __atomic_store_n(&features, have, __ATOMIC_RELAXED);
  }
  return have;
}

void vm_give_memory_back(void) {
#if defined(__GLIBC__)
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
#endif
}

int vm_restart(void) {
#if defined(__linux__)
  // The arguments exactly as the kernel keeps them: no re-quoting, no limit but memory.
  int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  size_t size = 0, capacity = 4096;
  char *text = malloc(capacity + 1);
  ssize_t got = 0;
  while (text && (got = read(file, text + size, capacity - size)) > 0) {
    size += (size_t)got;
    if (size == capacity) {
      char *larger = realloc(text, 2 * capacity + 1);
      if (!larger) {
        free(text);
        text = NULL;
        break;
      }
      text = larger;
      capacity *= 2;
    }
  }
  close(file);
  if (!text || got < 0 || size == 0) {
    free(text);
    return -1;
  }
  text[size] = 0;
  size_t count = 0;
  for (size_t i = 0; i < size; i++) count += text[i] == 0;
  char **arguments = calloc(count + 2, sizeof(char *));
  if (!arguments) {
    free(text);
    return -1;
  }
  size_t index = 0;
  for (size_t i = 0; i < size && index <= count;) {
    arguments[index++] = text + i;
    while (i < size && text[i]) i++;
    i++;
  }
  // By its own path first, so that the process keeps its name; by the link when the file was moved meanwhile.
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  if (length > 0) {
    path[length] = 0;
    execv(path, arguments);
  }
  execv("/proc/self/exe", arguments);
  free(arguments);
  free(text);
#endif
  return -1;
}
