// Walks one JSON message with simdjson's On-Demand interface and fills the caller's arrays; nothing is allocated but
// simdjson's own working memory, which is kept from message to message.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes that must follow the message in `csj_sink.bytes`.
#define CSJ_PADDING 64

enum csj_status {
  CSJ_OK = 0,
  CSJ_MALFORMED,
  CSJ_TRUNCATED,
  CSJ_NOT_UTF8,
  CSJ_TOO_DEEP,
  CSJ_TOO_LARGE,
  CSJ_UNKNOWN_SHAPE,
  CSJ_WRONG_FIELD_COUNT,
  CSJ_TOO_MANY_FIELDS,
  CSJ_NAME_TOO_LONG,
  CSJ_BAD_TIMESTAMP,
  CSJ_NO_NUMBERS,
  // The array of that name is full: make it larger and call again.
  CSJ_GROW_BYTES,
  CSJ_GROW_VALUES,
  CSJ_GROW_LABELS,
  CSJ_GROW_EVENTS,
};

enum csj_event_flags {
  CSJ_HAS_SEQ = 1,
  CSJ_HAS_EPOCH = 2,
  CSJ_POSITIONAL = 4,  // values have no names: they are those of the stream's fields, in order
  CSJ_TEXT_TIME = 8,   // the time is text, at text_offset
  CSJ_NAMES_FIELDS = 16,  // the names came as a list: they hold for later events without names
};

typedef struct {
  double timestamp;  // seconds since 1970 or NaN
  uint64_t seq;
  uint64_t epoch;   // hash of its text
  uint64_t schema;  // hash over the names in order
  uint32_t stream_offset, stream_length;
  uint32_t text_offset, text_length;
  uint32_t first_value, value_count;
  uint32_t first_label, label_count;
  uint32_t flags;
  uint32_t status;  // CSJ_OK, or why this event (not the whole message) is refused
} csj_event;

/// Offsets are into `bytes`: the message, its padding, then names that had to be unescaped or joined.
typedef struct {
  uint8_t *bytes;
  uint32_t message_length, bytes_used, bytes_capacity;
  uint32_t *name_offsets, *name_lengths;
  float *values;
  double *exact;  // the same values in double precision; or null when nobody wants them
  uint32_t values_count, values_capacity;
  uint32_t *label_offsets, *label_lengths, *text_offsets, *text_lengths;  // leaves that are strings
  uint32_t labels_count, labels_capacity;
  csj_event *events;
  uint32_t events_count, events_capacity;
} csj_sink;

typedef struct {
  uint64_t seed;
  uint32_t max_values;       // of one event
  uint32_t max_name_length;  // bytes
  uint32_t max_depth;
  uint32_t wants_labels;
} csj_options;

typedef struct csj_parser csj_parser;

/// Null when memory is short.
csj_parser *csj_parser_new(void);
void csj_parser_free(csj_parser *parser);
/// Frees simdjson's working memory when it has grown beyond what messages of `length` bytes need.
void csj_parser_trim(csj_parser *parser, size_t length);

/// Walks the message in sink->bytes[0 ..< message_length]; returns a csj_status. When it is not CSJ_OK, the sink's counts
/// mean nothing.
int32_t csj_decode(csj_parser *parser, csj_sink *sink, const csj_options *options);

/// The kernel that simdjson chose for this processor ("icelake").
const char *csj_kernel(void);

/// Whether the bytes are UTF-8.
int32_t csj_is_utf8(const uint8_t *bytes, size_t length);

// 64-bit hash of bytes after Wang Yi's wyhash (final version 4, public domain): for tables, not for secrets.

static inline uint64_t csj_fold(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t csj_read8(const uint8_t *bytes) {
  uint64_t value;
  memcpy(&value, bytes, 8);
  return value;
}

static inline uint64_t csj_read4(const uint8_t *bytes) {
  uint32_t value;
  memcpy(&value, bytes, 4);
  return value;
}

static inline uint64_t csj_hash(const uint8_t *bytes, size_t length, uint64_t seed) {
  const uint64_t s0 = 0x2d358dccaa6c78a5ull, s1 = 0x8bb84b93962eacc9ull;
  uint64_t a = 0, b = 0;
  seed ^= csj_fold(seed ^ s0, s1);
  if (length <= 16) {
    if (length >= 4) {
      const size_t half = (length >> 3) << 2;
      a = (csj_read4(bytes) << 32) | csj_read4(bytes + half);
      b = (csj_read4(bytes + length - 4) << 32) | csj_read4(bytes + length - 4 - half);
    } else if (length > 0) {
      a = ((uint64_t)bytes[0] << 16) | ((uint64_t)bytes[length >> 1] << 8) | bytes[length - 1];
    }
  } else {
    size_t left = length;
    while (left > 16) {
      seed = csj_fold(csj_read8(bytes) ^ s1, csj_read8(bytes + 8) ^ seed);
      bytes += 16;
      left -= 16;
    }
    a = csj_read8(bytes + left - 16);
    b = csj_read8(bytes + left - 8);
  }
  a ^= s1;
  b ^= seed;
  unsigned __int128 product = (unsigned __int128)a * b;
  return csj_fold((uint64_t)product ^ s0 ^ length, (uint64_t)(product >> 64) ^ s1);
}

/// The hash of a list with one more member; the members' own hashes do not wait for each other.
static inline uint64_t csj_chain(uint64_t list, uint64_t member) {
  return csj_fold(list ^ member, 0x9e3779b97f4a7c15ull);
}

#ifdef __cplusplus
}
#endif
