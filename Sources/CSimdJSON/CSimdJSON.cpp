#include "CSimdJSON.h"
#include "Leaves.hpp"

#include <new>

struct csj_parser {
  ondemand::parser parser;
};

namespace {

/// Walks whole messages: the envelope of each event, and what differs from shape to shape.
class Walker : Leaves {
public:
  Walker(csj_sink &sink, const csj_options &options) : Leaves(sink, options) {}

  int32_t walk(ondemand::document &document) {
    ondemand::json_type type;
    if (auto error = document.type().get(type)) return status_of(error);
    int32_t status = CSJ_UNKNOWN_SHAPE;
    if (type == ondemand::json_type::object) {
      ondemand::object object;
      if (auto error = document.get_object().get(object)) return status_of(error);
      status = event(object);
    } else if (type == ondemand::json_type::array) {
      ondemand::array array;
      if (auto error = document.get_array().get(array)) return status_of(error);
      status = CSJ_OK;
      for (auto element : array) {
        ondemand::value value;
        if (auto error = std::move(element).get(value)) return status_of(error);
        if (first_byte(value) != '{') return CSJ_UNKNOWN_SHAPE;
        ondemand::object object;
        if (auto error = value.get_object().get(object)) return status_of(error);
        status = event(object);
        if (status != CSJ_OK) break;
      }
    } else {
      return scalar(document);
    }
    if (status != CSJ_OK) return status;
    // Nothing may follow.
    return document.current_location().error() == OUT_OF_BOUNDS ? CSJ_OK : CSJ_MALFORMED;
  }

private:
  /// A message that is a single number, word or text: well-formed or not, it carries no event.
  int32_t scalar(ondemand::document &document) {
    std::string_view token;
    if (auto error = document.raw_json_token().get(token)) return status_of(error);
    if (offset_of(token.data()) + token.size() < sink.message_length) return CSJ_MALFORMED;
    if (token[0] == '"') {
      std::string_view text;
      if (auto error = document.get_string().get(text)) return status_of(error);
      return CSJ_UNKNOWN_SHAPE;
    }
    token = trimmed(token);
    const bool is_word = token == "true" || token == "false" || token == "null";
    return is_word || is_number(token) ? CSJ_UNKNOWN_SHAPE : CSJ_MALFORMED;
  }

  int32_t event(ondemand::object object) {
    if (sink.events_count == sink.events_capacity) return CSJ_GROW_EVENTS;
    current = csj_event{};
    current.timestamp = missing;
    current.first_value = sink.values_count;
    current.first_label = sink.labels_count;
    keeps_nulls = is_mute = false;
    bool has_values = false;
    uint32_t fields = 0;
    bool has_fields = false;
    for (auto entry : object) {
      ondemand::field field;
      if (auto error = std::move(entry).get(field)) return status_of(error);
      Piece key;
      int32_t status = name(field, key);
      if (status != CSJ_OK) return status;
      ondemand::value value = field.value();
      switch (key.length) {
      case 2:
        if (is(key, "ts", 2)) {
          status = time(value);
          if (status != CSJ_OK) return status;
          continue;
        }
        break;
      case 3:
        if (is(key, "seq", 3)) {
          uint64_t seq;
          if (value.get_uint64().get(seq) == SUCCESS) {
            current.seq = seq;
            current.flags |= CSJ_HAS_SEQ;
            continue;
          }
        }
        break;
      case 5:
        if (is(key, "epoch", 5)) {
          Piece text;
          bool is_text;
          status = identity(value, text, is_text);
          if (status != CSJ_OK) return status;
          if (is_text) {
            current.epoch = csj_hash(sink.bytes + text.offset, text.length, options.seed);
            current.flags |= CSJ_HAS_EPOCH;
            continue;
          }
        }
        break;
      case 6:
        if (is(key, "stream", 6)) {
          Piece text;
          bool is_text;
          status = identity(value, text, is_text);
          if (status != CSJ_OK) return status;
          if (is_text) {
            current.stream_offset = text.offset;
            current.stream_length = text.length;
            continue;
          }
        } else if (is(key, "values", 6)) {
          const uint8_t first = first_byte(value);
          if (first == '{' || first == '[') {
            // What was taken for a value so far belongs to the envelope; of two "values", the last counts.
            sink.values_count = current.first_value;
            current.flags &= ~static_cast<uint32_t>(CSJ_POSITIONAL);
            has_values = keeps_nulls = true;
            is_mute = false;
            status = first == '{' ? members(value, Piece{0, 0}, 2) : elements(value);
            if (status != CSJ_OK) return status;
            is_mute = true;
            continue;
          }
        } else if (is(key, "fields", 6) && first_byte(value) == '[') {
          status = field_names(value, fields);
          if (status != CSJ_OK) return status;
          has_fields = true;
          continue;
        }
        break;
      default: break;
      }
      status = leaf(value, key, 1);
      if (status != CSJ_OK) return status;
    }
    return close(has_values, has_fields, fields);
  }

  int32_t close(bool has_values, bool has_fields, uint32_t fields) {
    current.value_count = sink.values_count - current.first_value;
    current.label_count = sink.labels_count - current.first_label;
    if (current.flags & CSJ_POSITIONAL) {
      if (has_fields && fields != current.value_count) current.status = CSJ_WRONG_FIELD_COUNT;
      if (has_fields && current.status == CSJ_OK) {
        current.flags &= ~static_cast<uint32_t>(CSJ_POSITIONAL);
        current.flags |= CSJ_NAMES_FIELDS;
        for (uint32_t i = 0; i < fields; i++) {
          // The names stand where the next values' would: see field_names.
          sink.name_offsets[current.first_value + i] = name_stash[2 * i];
          sink.name_lengths[current.first_value + i] = name_stash[2 * i + 1];
        }
      }
    }
    if (current.value_count > options.max_values) current.status = CSJ_TOO_MANY_FIELDS;
    if (current.value_count == 0 && current.status == CSJ_OK && (has_values || current.label_count == 0)) {
      current.status = CSJ_NO_NUMBERS;
    }
    uint64_t schema = options.seed;
    if (current.flags & CSJ_POSITIONAL) {
      schema = csj_fold(schema ^ 0x9e3779b97f4a7c15ull, current.value_count + 1);
    } else {
      for (uint32_t i = current.first_value; i < sink.values_count; i++) {
        schema = csj_chain(schema, csj_hash(sink.bytes + sink.name_offsets[i], sink.name_lengths[i], options.seed));
      }
    }
    current.schema = schema;
    sink.events[sink.events_count++] = current;
    return CSJ_OK;
  }

  int32_t time(ondemand::value &value) {
    double seconds;
    if (value.get_double().get(seconds) == SUCCESS) {
      current.timestamp = seconds;
      return CSJ_OK;
    }
    switch (first_byte(value)) {
    case '"': {
      Piece text;
      const int32_t status = string(value, text);
      current.flags |= CSJ_TEXT_TIME;
      current.text_offset = text.offset;
      current.text_length = text.length;
      return status;
    }
    case 'n': return null(value);
    default: {
      // Whatever it is, it must be JSON; and it is no time.
      const bool was_mute = is_mute;
      is_mute = true;
      const int32_t status = leaf(value, Piece{0, 0}, 1);
      is_mute = was_mute;
      current.status = CSJ_BAD_TIMESTAMP;
      return status;
    }
    }
  }

  /// "values" as an array: numbers in the order of the stream's fields.
  int32_t elements(ondemand::value &value) {
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return status_of(error);
    current.flags |= CSJ_POSITIONAL;
    for (auto element : array) {
      ondemand::value item;
      if (auto error = std::move(element).get(item)) return status_of(error);
      double number;
      int32_t status;
      if (item.get_double().get(number) == SUCCESS) {
        status = put(Piece{0, 0}, number);
      } else {
        const uint8_t first = first_byte(item);
        if (first == '{' || first == '[' || first == '"') return CSJ_UNKNOWN_SHAPE;
        status = leaf(item, Piece{0, 0}, 2);
      }
      if (status != CSJ_OK) return status;
    }
    return CSJ_OK;
  }

  /// Names of a positional event, kept beside until its end, because they may come before or after the values.
  int32_t field_names(ondemand::value &value, uint32_t &count) {
    ondemand::array array;
    if (auto error = value.get_array().get(array)) return status_of(error);
    count = 0;
    name_stash_used = 0;
    for (auto element : array) {
      ondemand::value item;
      if (auto error = std::move(element).get(item)) return status_of(error);
      if (first_byte(item) != '"') return CSJ_UNKNOWN_SHAPE;
      Piece text;
      const int32_t status = string(item, text);
      if (status != CSJ_OK) return status;
      if (text.length > options.max_name_length) return CSJ_NAME_TOO_LONG;
      if (count < options.max_values && !stash(text)) return CSJ_TOO_LARGE;
      count++;
    }
    return CSJ_OK;
  }

  bool stash(Piece piece) {
    if (name_stash_used + 2 > name_stash_capacity) {
      const uint32_t wider = name_stash_capacity == 0 ? 64 : name_stash_capacity * 2;
      uint32_t *larger = new (std::nothrow) uint32_t[wider];
      if (larger == nullptr) return false;
      if (name_stash_used > 0) memcpy(larger, name_stash, name_stash_used * sizeof(uint32_t));
      delete[] name_stash;
      name_stash = larger;
      name_stash_capacity = wider;
    }
    name_stash[name_stash_used++] = piece.offset;
    name_stash[name_stash_used++] = piece.length;
    return true;
  }

  uint32_t *name_stash = nullptr;
  uint32_t name_stash_used = 0, name_stash_capacity = 0;

public:
  Walker(const Walker &) = delete;
  Walker &operator=(const Walker &) = delete;
  ~Walker() { delete[] name_stash; }
};

}  // namespace

csj_parser *csj_parser_new(void) { return new (std::nothrow) csj_parser(); }

void csj_parser_free(csj_parser *parser) { delete parser; }

void csj_parser_trim(csj_parser *parser, size_t length) {
  if (parser->parser.capacity() > length) parser->parser = ondemand::parser();
}

int32_t csj_decode(csj_parser *parser, csj_sink *sink, const csj_options *options) {
  sink->values_count = sink->labels_count = sink->events_count = 0;
  sink->bytes_used = sink->message_length + CSJ_PADDING;
  if (sink->bytes_used > sink->bytes_capacity) return CSJ_GROW_BYTES;
  memset(sink->bytes + sink->message_length, ' ', CSJ_PADDING);
  ondemand::document document;
  const auto error =
      parser->parser.iterate(sink->bytes, sink->message_length, sink->bytes_used).get(document);
  if (error) return status_of(error);
  return Walker(*sink, *options).walk(document);
}

const char *csj_kernel(void) {
  static const std::string name = get_active_implementation()->name();
  return name.c_str();
}

int32_t csj_is_utf8(const uint8_t *bytes, size_t length) {
  return validate_utf8(reinterpret_cast<const char *>(bytes), length) ? 1 : 0;
}
