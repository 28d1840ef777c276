#include "CSimdJSON.h"
#include "Leaves.hpp"
#include "Plain.hpp"

#include <new>

struct csj_parser {
  ondemand::parser parser;
  csj_options options;
  // Messages since the last long one.
  uint32_t small_messages = 0;
  // Messages in a row that were not plain.
  uint32_t misses = 0;
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
    begin();
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
            begin_values(first == '[');
            has_values = true;
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
    if (has_fields && (current.flags & CSJ_POSITIONAL)) assign(fields);
    return close(has_values);
  }

  /// Gives positional values the names that came beside them.
  void assign(uint32_t fields) {
    const uint32_t count = sink.values_count - current.first_value;
    if (fields != count) {
      current.status = CSJ_WRONG_FIELD_COUNT;
      return;
    }
    current.flags &= ~static_cast<uint32_t>(CSJ_POSITIONAL);
    current.flags |= CSJ_NAMES_FIELDS;
    // Of values beyond the limit neither value nor name was kept.
    for (uint32_t i = 0; i < count && 2 * i + 1 < name_stash_used; i++) {
      sink.name_offsets[current.first_value + i] = name_stash[2 * i];
      sink.name_lengths[current.first_value + i] = name_stash[2 * i + 1];
    }
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

csj_parser *csj_parser_new(csj_options options) {
  csj_parser *parser = new (std::nothrow) csj_parser();
  if (parser != nullptr) parser->options = options;
  return parser;
}

void csj_parser_free(csj_parser *parser) { delete parser; }

int32_t csj_decode(csj_parser *parser, csj_sink *sink) {
  // A long message must not hold memory for ever.
  constexpr uint32_t small = 1 << 20, patience = 1024;
  parser->small_messages = sink->message_length > small ? 0 : parser->small_messages + 1;
  if (parser->small_messages == patience && parser->parser.capacity() > small) parser->parser = ondemand::parser();
  sink->values_count = sink->labels_count = sink->events_count = 0;
  sink->bytes_used = sink->message_length + CSJ_PADDING;
  if (sink->bytes_used > sink->bytes_capacity) return CSJ_GROW_BYTES;
  memset(sink->bytes + sink->message_length, ' ', CSJ_PADDING);
  // Where plain messages are rare, only every 64th is tried.
  if (!parser->options.only_simdjson && (parser->misses < 8 || parser->misses % 64 == 0)) {
    const int32_t status = Plain(*sink, parser->options).walk();
    if (status != Plain::other) {
      parser->misses = 0;
      return status;
    }
    sink->values_count = sink->labels_count = sink->events_count = 0;
  }
  parser->misses++;
  ondemand::document document;
  const auto error = parser->parser.iterate(sink->bytes, sink->message_length, sink->bytes_used).get(document);
  if (error) return status_of(error);
  return Walker(*sink, parser->options).walk(document);
}

const char *csj_kernel(void) {
  static const std::string name = get_active_implementation()->name();
  return name.c_str();
}

int32_t csj_is_utf8(const uint8_t *bytes, size_t length) {
  return validate_utf8(reinterpret_cast<const char *>(bytes), length) ? 1 : 0;
}
