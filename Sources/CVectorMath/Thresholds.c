#include "Clones.h"
#include "CVectorMath.h"
#include <math.h>
#include <string.h>

// Thresholds of sixteen levels that follow a run of scores: all levels are one vector. Nothing is contracted, so that
// the results are those of the same arithmetic one operation after the other, on every processor.
#pragma clang fp contract(off)

enum { LEVELS = VM_LEVELS, RUN = 16 };
typedef float floats __attribute__((ext_vector_type(LEVELS)));
typedef int32_t words __attribute__((ext_vector_type(LEVELS)));
typedef _Bool bools __attribute__((ext_vector_type(LEVELS)));

// Macros, as a function may not take or give vectors that are wider than what the plainest processor has.
#define LOAD(name, from) \
  floats name;           \
  memcpy(&name, from, sizeof name)
#define STORE(to, vector) memcpy(to, &(vector), sizeof(vector))
#define AT_LEAST(x, bound) ((x) > (bound) ? (x) : (floats)(bound))
#define AT_MOST(x, bound) ((x) < (bound) ? (x) : (floats)(bound))
#define BEFORE(x) __builtin_shufflevector(x, x, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
#define AFTER(x) __builtin_shufflevector(x, x, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15)

INLINE unsigned bits_of(const words *mask) {
  bools lanes = __builtin_convertvector(*mask, bools);
  uint16_t bits;
  memcpy(&bits, &lanes, sizeof bits);
  return bits;
}

// No threshold comes nearer to the one before it than the least distance, and none below the bottom.
INLINE void keep_order(floats *thresholds, const floats *logs, float least_gap, float bottom) {
  // What each must be at least if the one before it stays: nearly always all are, and none moves.
  floats least = BEFORE(*thresholds) + least_gap * (BEFORE(*logs) - *logs);
  least[0] = bottom;
  words is_low = *thresholds < least;
  if (bits_of(&is_low) == 0) return;
  float t[LEVELS], l[LEVELS], lowest = bottom;
  STORE(t, *thresholds);
  STORE(l, *logs);
  for (int level = 0; level < LEVELS; level++) {
    if (t[level] < lowest) t[level] = lowest;
    if (level + 1 < LEVELS) lowest = t[level] + least_gap * (l[level] - l[level + 1]);
  }
  memcpy(thresholds, t, sizeof t);
}

// ln p of 16 scores: the number of thresholds that each exceeds, and those below and above it, are known.
INLINE void log_p(const float *score, const int32_t *above, const float *low, const float *high, const float *table,
                  float least_gap, float *logp) {
  float from[RUN], to[RUN];
  for (int i = 0; i < RUN; i++) {
    from[i] = table[above[i]];
    to[i] = table[above[i] + 1];
  }
  LOAD(u, score);
  LOAD(below, low);
  LOAD(beyond, high);
  LOAD(start, from);
  LOAD(end, to);
  words count;
  memcpy(&count, above, sizeof count);
  words is_least = count == 0;
  floats width = beyond - below, off = u - below;
  width = is_least ? AT_LEAST(width, least_gap) : width;
  floats share = (is_least ? below - u : off) / width;
  floats p = is_least ? end / (1.0f + share) : start + share * (end - start);
  STORE(logp, p);
}

// By the number of thresholds exceeded: ln of the level below; one in front and one behind, read but not used.
#define TABLE(name, logs)  \
  float name[LEVELS + 2];  \
  name[0] = (logs)[0];     \
  memcpy(name + 1, logs, sizeof(float) * LEVELS); \
  name[LEVELS + 1] = (logs)[LEVELS - 1]

CLONES void vm_threshold_log_p(size_t n, const float *u, const float *thresholds, const float *logs, float tail,
                               float shape, float least_gap, float *logp) {
  TABLE(table, logs);
  float now[LEVELS + 2] = {0};  // the thresholds with one in front and one behind
  memcpy(now + 1, thresholds, sizeof(float) * LEVELS);
  float score[RUN] = {0}, low[RUN], high[RUN], out[RUN];
  int32_t level[RUN];
  for (size_t start = 0; start < n; start += RUN) {
    const size_t count = n - start < RUN ? n - start : RUN;
    memcpy(score, u + start, sizeof(float) * count);
    LOAD(x, score);
    // Those that are exceeded, from the lowest up to the first that is not.
    words above = 0, goes_on = -1;
    for (int i = 0; i < LEVELS; i++) {
      goes_on &= thresholds[i] < x;
      above -= goes_on;
    }
    memcpy(level, &above, sizeof level);
    unsigned far = 0;
    for (int i = 0; i < RUN; i++) {
      const int lower = level[i] ? level[i] : 1;
      const int is_far = level[i] == LEVELS;
      low[i] = is_far ? 0 : now[lower];
      high[i] = is_far ? 1 : now[lower + 1];
      far |= (unsigned)is_far << i;
    }
    log_p(score, level, low, high, table, least_gap, out);
    for (; far; far &= far - 1) {
      const int i = __builtin_ctz(far);
      out[i] = logs[LEVELS - 1] - log1pf(shape * (score[i] - now[LEVELS]) / tail) / shape;
    }
    memcpy(logp + start, out, sizeof(float) * count);
  }
}

CLONES void vm_follow_thresholds(size_t n, const float *u, const float *alphas, const float *logs,
                                 const float *factors, float step, vm_thresholds *state, float *thresholds_at,
                                 float *allowances_at, float *steps_at, float *logp) {
  vm_thresholds s = *state;
  LOAD(thresholds, thresholds_at);
  LOAD(allowances, allowances_at);
  LOAD(steps, steps_at);
  LOAD(alpha, alphas);
  LOAD(log, logs);
  LOAD(factor, factors);
  const floats span = BEFORE(log) - AFTER(log);
  const floats from_middle = log[2] - log;
  const floats beyond_middle = from_middle > 0 ? from_middle : (floats)(INFINITY);
  TABLE(table, logs);

  float now[LEVELS + 2];  // the thresholds with one in front and one behind
  float score[RUN] = {0}, low[RUN] = {0}, high[RUN], beyond[RUN];
  int32_t level[RUN] = {0};
  for (int i = 0; i < RUN; i++) high[i] = 1;
  for (size_t start = 0; start < n; start += RUN) {
    int count = n - start < RUN ? (int)(n - start) : RUN;
    unsigned far = 0;
    for (int i = 0; i < count; i++) {
      float x = u[start + i];
      words exceeded = thresholds < x;
      unsigned bits = bits_of(&exceeded);
      int above = __builtin_ctz(~bits);
      // Between two settlements a threshold may have come to stand above the next: one beyond that does not count.
      if (__builtin_expect((bits & (bits + 1)) != 0, 0)) {
        const words places = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        exceeded = places < above;
      }
      STORE(now + 1, thresholds);
      score[i] = x;
      level[i] = above;
      int lower = above ? above : 1;
      low[i] = now[lower];
      high[i] = now[lower + 1];
      if (__builtin_expect(above == LEVELS, 0)) {
        far |= 1u << i;
        low[i] = 0;
        high[i] = 1;
        beyond[i] = logs[LEVELS - 1] - log1pf(s.shape * (x - now[LEVELS]) / s.tail) / s.shape;
      }
      // What is not paid for stays where it is, which takes back this event's part of the downward move to come.
      words unpaid = allowances < 1.0f;
      floats move = unpaid ? alpha * steps : steps;
      thresholds = exceeded ? thresholds + move : thresholds;
      allowances = exceeded & ~unpaid ? allowances - 1.0f : allowances;
      s.counted++;
      if (s.counted % VM_THRESHOLD_PERIOD == 0) {
        const float events = VM_THRESHOLD_PERIOD;
        float seen = s.weight + (float)s.counted;
        float support = s.weight + 0.25f * (float)s.counted;
        float pace = 2.0f + 20.0f / (1.0f + support / 150.0f);
        floats best = 1.0f / (10.0f + alpha * seen);
        floats eta = s.agility * AT_LEAST(best, step * factor);
        thresholds -= events * alpha * steps;
        keep_order(&thresholds, &log, s.least_gap, s.bottom);
        floats refilled = allowances + events * AT_MOST(pace * alpha, alpha + 0.1f);
        floats most = AT_MOST(AT_LEAST(0.8f / eta, 3.0f), s.allowance);
        allowances = AT_MOST(refilled, most);
        // Levels that were driven together, far from the usual scores, would else be too slow to come back.
        floats rise = (thresholds - thresholds[2]) / beyond_middle;
        rise = AT_MOST(rise, s.reach);
        floats length = (AFTER(thresholds) - BEFORE(thresholds)) / span;
        length = AT_LEAST(length, rise);
        float longest = 4.0f * (rise[12] > 1.0f ? rise[12] : 1.0f);
        steps = eta * AT_MOST(AT_LEAST(length, 0.25f), longest);
        float tail = (thresholds[LEVELS - 1] - thresholds[LEVELS - 4]) / (logs[LEVELS - 4] - logs[LEVELS - 1]);
        s.tail = tail > 0.5f ? tail : 0.5f;
      }
    }
    float out[RUN];
    log_p(score, level, low, high, table, s.least_gap, out);
    for (; far; far &= far - 1) out[__builtin_ctz(far)] = beyond[__builtin_ctz(far)];
    memcpy(logp + start, out, sizeof(float) * (size_t)count);
  }
  STORE(thresholds_at, thresholds);
  STORE(allowances_at, allowances);
  STORE(steps_at, steps);
  *state = s;
}
