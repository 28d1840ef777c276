// The leaves of one event: names and numbers of a JSON value of any shape, written into the sink.
#pragma once
#include "CSimdJSON.h"
#include "Tokens.hpp"

#include <cmath>
#include <limits>
#include <simdjson.h>

using namespace simdjson;

namespace {

static_assert(CSJ_PADDING >= SIMDJSON_PADDING, "simdjson reads further than the padding");

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

int32_t status_of(error_code error) {
  switch (error) {
  case SUCCESS: return CSJ_OK;
  case UTF8_ERROR: return CSJ_NOT_UTF8;
  case EMPTY:
  case UNCLOSED_STRING:
  case INCOMPLETE_ARRAY_OR_OBJECT: return CSJ_TRUNCATED;
  case DEPTH_ERROR: return CSJ_TOO_DEEP;
  case CAPACITY:
  case MEMALLOC: return CSJ_TOO_LARGE;
  default: return CSJ_MALFORMED;
  }
}

/// A name or text: where it lies in the sink's bytes.
struct Piece {
  uint32_t offset, length;
};

class Leaves {
protected:
  csj_sink &sink;
  const csj_options &options;
  csj_event current{};
  bool keeps_nulls = false;  // in "values", a null is a value that is missing
  bool is_mute = false;      // only checks

  Leaves(csj_sink &sink, const csj_options &options) : sink(sink), options(options) {}

  static uint8_t first_byte(ondemand::value &value) {
    return static_cast<uint8_t>(value.raw_json_token()[0]);
  }

  uint32_t offset_of(const void *at) const {
    return static_cast<uint32_t>(static_cast<const uint8_t *>(at) - sink.bytes);
  }

  bool is(Piece piece, const char *word, uint32_t length) const {
    return piece.length == length && memcmp(sink.bytes + piece.offset, word, length) == 0;
  }

  // MARK: One event

  void begin() {
    current = csj_event{};
    current.timestamp = missing;
    current.first_value = sink.values_count;
    current.first_label = sink.labels_count;
    keeps_nulls = is_mute = false;
  }

  /// "values" begin: what was taken for a value so far belongs to the envelope; of two "values", the last counts.
  void begin_values(bool is_positional) {
    sink.values_count = current.first_value;
    current.flags &= ~static_cast<uint32_t>(CSJ_POSITIONAL);
    if (is_positional) current.flags |= CSJ_POSITIONAL;
    keeps_nulls = true;
    is_mute = false;
  }

  /// Ends the event: counts and hashes what it has.
  ///
  /// `is_alike`: its names are those of the event before.
  int32_t close(bool has_values, bool is_alike = false) {
    current.value_count = sink.values_count - current.first_value;
    current.label_count = sink.labels_count - current.first_label;
    if (current.value_count > options.max_values) current.status = CSJ_TOO_MANY_FIELDS;
    if (current.value_count == 0 && current.status == CSJ_OK && (has_values || current.label_count == 0)) {
      current.status = CSJ_NO_NUMBERS;
    }
    uint64_t schema = options.seed;
    if (current.flags & CSJ_POSITIONAL) {
      schema = csj_fold(schema ^ 0x9e3779b97f4a7c15ull, current.value_count + 1);
    } else if (is_alike) {
      schema = sink.events[sink.events_count - 1].schema;
    } else {
      for (uint32_t i = current.first_value; i < sink.values_count; i++) {
        schema = csj_chain(schema, csj_hash(sink.bytes + sink.name_offsets[i], sink.name_lengths[i], options.seed));
      }
    }
    current.schema = schema;
    sink.events[sink.events_count++] = current;
    return CSJ_OK;
  }

  // MARK: Pieces

  /// A key: where it stands when it has no escapes, else a copy without them.
  simdjson_inline int32_t name(ondemand::field &field, Piece &piece) {
    const char *raw = field.key().raw();
    bool escaped;
    piece.length = string_length(reinterpret_cast<const uint8_t *>(raw), escaped);
    piece.offset = offset_of(raw);
    if (escaped) {
      std::string_view text;
      if (auto error = field.unescaped_key().get(text)) return status_of(error);
      const int32_t status = keep(text, piece);
      if (status != CSJ_OK) return status;
    }
    return piece.length <= options.max_name_length ? CSJ_OK : CSJ_NAME_TOO_LONG;
  }

  int32_t keep(std::string_view text, Piece &piece) {
    if (text.size() + CSJ_PADDING > sink.bytes_capacity - sink.bytes_used) return CSJ_GROW_BYTES;
    memcpy(sink.bytes + sink.bytes_used, text.data(), text.size());
    piece = Piece{sink.bytes_used, static_cast<uint32_t>(text.size())};
    sink.bytes_used += static_cast<uint32_t>(text.size());
    return CSJ_OK;
  }

  /// A value that is a string. Consumes it only when it must be unescaped: else the iterator steps over it.
  int32_t string(ondemand::value &value, Piece &piece) {
    std::string_view token = value.raw_json_token();
    bool escaped;
    piece.length = string_length(reinterpret_cast<const uint8_t *>(token.data()) + 1, escaped);
    piece.offset = offset_of(token.data() + 1);
    if (!escaped) return CSJ_OK;
    std::string_view text;
    if (auto error = value.get_string().get(text)) return status_of(error);
    return keep(text, piece);
  }

  /// What names something: a string, or a number as it is written.
  int32_t identity(ondemand::value &value, Piece &piece, bool &is_text) {
    std::string_view token = value.raw_json_token();
    is_text = true;
    if (token[0] == '"') return string(value, piece);
    token = trimmed(token);
    is_text = is_number(token);
    piece = Piece{offset_of(token.data()), static_cast<uint32_t>(token.size())};
    return CSJ_OK;
  }

  int32_t null(ondemand::value &value) {
    bool is_null;
    if (auto error = value.is_null().get(is_null)) return status_of(error);
    return is_null ? CSJ_OK : CSJ_MALFORMED;
  }

  // MARK: Values

  simdjson_inline int32_t put(Piece name, double number) {
    if (is_mute) return CSJ_OK;
    const uint32_t at = sink.values_count;
    if (at == sink.values_capacity) return CSJ_GROW_VALUES;
    // Events with more are refused as a whole at their end; no need to gather it all.
    if (at - current.first_value > options.max_values) return CSJ_OK;
    sink.name_offsets[at] = name.offset;
    sink.name_lengths[at] = name.length;
    const float value = static_cast<float>(number);
    sink.values[at] = std::isfinite(value) ? value : std::numeric_limits<float>::quiet_NaN();
    if (sink.exact != nullptr) sink.exact[at] = number;
    sink.values_count = at + 1;
    return CSJ_OK;
  }

  int32_t label(Piece name, Piece text) {
    if (is_mute) return CSJ_OK;
    const uint32_t at = sink.labels_count;
    if (at == sink.labels_capacity) return CSJ_GROW_LABELS;
    sink.label_offsets[at] = name.offset;
    sink.label_lengths[at] = name.length;
    sink.text_offsets[at] = text.offset;
    sink.text_lengths[at] = text.length;
    sink.labels_count = at + 1;
    return CSJ_OK;
  }

  int32_t leaf(ondemand::value &value, Piece name, uint32_t depth) {
    double number;
    if (value.get_double().get(number) == SUCCESS) return put(name, number);
    std::string_view token = value.raw_json_token();
    switch (token[0]) {
    case '{': return members(value, name, depth + 1);
    case '[': return items(value, name, depth + 1);
    case '"': {
      Piece text;
      const int32_t status = string(value, text);
      return status == CSJ_OK && options.wants_labels ? label(name, text) : status;
    }
    case 't':
    case 'f': {
      bool truth;
      if (auto error = value.get_bool().get(truth)) return status_of(error);
      return put(name, truth ? 1 : 0);
    }
    case 'n': {
      const int32_t status = null(value);
      return status == CSJ_OK && keeps_nulls ? put(name, missing) : status;
    }
    default:
      // Numbers too large for a double, and what Python writes for those that are none: missing. The iterator steps
      // over them.
      token = trimmed(token);
      if (token == "NaN" || token == "Infinity" || token == "-Infinity" || is_number(token)) {
        return put(name, missing);
      }
      return CSJ_MALFORMED;
    }
  }

  /// `prefix.last`, without the dot when there is no prefix.
  simdjson_inline int32_t joined(Piece prefix, Piece last, Piece &piece) {
    if (prefix.length == 0) {
      piece = last;
      return CSJ_OK;
    }
    const uint32_t length = prefix.length + 1 + last.length;
    if (length > options.max_name_length) return CSJ_NAME_TOO_LONG;
    if (length + CSJ_PADDING > sink.bytes_capacity - sink.bytes_used) return CSJ_GROW_BYTES;
    uint8_t *at = sink.bytes + sink.bytes_used;
    memcpy(at, sink.bytes + prefix.offset, prefix.length);
    at[prefix.length] = '.';
    memcpy(at + prefix.length + 1, sink.bytes + last.offset, last.length);
    piece = Piece{sink.bytes_used, length};
    sink.bytes_used += length;
    return CSJ_OK;
  }

  int32_t members(ondemand::value &value, Piece prefix, uint32_t depth) {
    if (depth > options.max_depth) return CSJ_TOO_DEEP;
    ondemand::object object;
    if (auto error = value.get_object().get(object)) return status_of(error);
    for (auto entry : object) {
      ondemand::field field;
      if (auto error = std::move(entry).get(field)) return status_of(error);
      Piece key, full;
      int32_t status = name(field, key);
      if (status == CSJ_OK) status = joined(prefix, key, full);
      if (status != CSJ_OK) return status;
      ondemand::value member = field.value();
      // Numbers are what there is most of.
      double number;
      status = member.get_double().get(number) == SUCCESS ? put(full, number) : leaf(member, full, depth);
      if (status != CSJ_OK) return status;
    }
    return CSJ_OK;
  }

  /// An array among named values: its elements are named by their index.
  int32_t items(ondemand::value &value, Piece prefix, uint32_t depth) {
    if (depth > options.max_depth) return CSJ_TOO_DEEP;
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return status_of(error);
    uint32_t index = 0;
    for (auto element : array) {
      ondemand::value item;
      if (auto error = std::move(element).get(item)) return status_of(error);
      char digits[10];
      size_t start = sizeof digits;
      uint32_t rest = index++;
      do {
        digits[--start] = static_cast<char>('0' + rest % 10);
        rest /= 10;
      } while (rest != 0);
      Piece number, full;
      const uint32_t used = sink.bytes_used;
      int32_t status = keep(std::string_view(digits + start, sizeof digits - start), number);
      if (status == CSJ_OK) status = joined(prefix, number, full);
      if (status != CSJ_OK) return status;
      const uint32_t values = sink.values_count, labels = sink.labels_count;
      status = leaf(item, full, depth);
      if (status != CSJ_OK) return status;
      // A name that nothing refers to takes no room.
      if (sink.values_count == values && sink.labels_count == labels) sink.bytes_used = used;
    }
    return CSJ_OK;
  }
};

}  // namespace
