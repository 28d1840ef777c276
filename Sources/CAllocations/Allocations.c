#include "CAllocations.h"
#include <errno.h>
#include <stddef.h>

static unsigned long long count;
static _Thread_local unsigned long long count_here;

unsigned long long allocations_count(void) { return __atomic_load_n(&count, __ATOMIC_RELAXED); }

unsigned long long allocations_count_here(void) { return count_here; }

#if defined(__linux__) && defined(__GLIBC__)
// The C library's own, under the names it keeps for those who stand before it.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static void one_more(void) {
  __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
  count_here++;
}

void *malloc(size_t size) {
  one_more();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  one_more();
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
  one_more();
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  one_more();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) || (alignment & (alignment - 1)) || alignment == 0) return EINVAL;
  void *memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}
#endif
