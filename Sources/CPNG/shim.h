#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// libpng reports an error by a jump, which Swift must not see: both directions are a function that returns.

typedef struct {
  uint32_t width, height;
  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
  uint32_t channels;
  // 8 or 16; two bytes of 16 lie high byte first
  uint32_t bits;
  // malloc'd; rows of pixels of channels
  uint8_t *pixels;
  size_t size;
  char message[120];
} cpng_picture;

typedef struct {
  const uint8_t *bytes;
  size_t count, at;
  uint8_t *grown;
  size_t room;
  png_bytepp rows;
  cpng_picture *picture;
  jmp_buf out;
} cpng_state;

static inline void cpng_error(png_structp png, png_const_charp message) {
  cpng_state *state = (cpng_state *)png_get_error_ptr(png);
  strncpy(state->picture->message, message, sizeof state->picture->message - 1);
  longjmp(state->out, 1);
}

static inline void cpng_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static inline void cpng_take(png_structp png, png_bytep target, size_t count) {
  cpng_state *state = (cpng_state *)png_get_io_ptr(png);
  if (count > state->count - state->at) png_error(png, "ends early");
  memcpy(target, state->bytes + state->at, count);
  state->at += count;
}

static inline void cpng_give(png_structp png, png_bytep source, size_t count) {
  cpng_state *state = (cpng_state *)png_get_io_ptr(png);
  if (count > state->room - state->count) {
    size_t room = (state->room + count) * 2;
    uint8_t *grown = (uint8_t *)realloc(state->grown, room);
    if (!grown) png_error(png, "no memory");
    state->grown = grown;
    state->room = room;
  }
  memcpy(state->grown + state->count, source, count);
  state->count += count;
}

static inline void cpng_flush(png_structp png) { (void)png; }

// The rows of `pixels` for libpng.
static inline void cpng_rows(png_structp png, cpng_state *state, size_t row) {
  state->rows = (png_bytepp)malloc(sizeof(png_bytep) * state->picture->height);
  if (!state->rows) png_error(png, "no memory");
  for (size_t y = 0; y < state->picture->height; ++y) state->rows[y] = state->picture->pixels + y * row;
}

// 0 when read, otherwise `message` says why not. Deflate expands 1032 times at most, so a header that promises more than
// the bytes can hold is refused before memory is taken.
static inline int cpng_read(const uint8_t *bytes, size_t count, cpng_picture *picture) {
  memset(picture, 0, sizeof *picture);
  cpng_state state = {.bytes = bytes, .count = count, .picture = picture};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, cpng_error, cpng_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    strcpy(picture->message, "no memory");
    return 1;
  }
  if (setjmp(state.out)) {
    png_destroy_read_struct(&png, &info, NULL);
    free(state.rows);
    free(picture->pixels);
    picture->pixels = NULL;
    return 1;
  }
  png_set_read_fn(png, &state, cpng_take);
  png_set_user_limits(png, 1 << 20, 1 << 20);
  png_set_chunk_malloc_max(png, 1 << 24);
  png_read_info(png, info);
  if (png_get_rowbytes(png, info) * png_get_image_height(png, info) / 1032 > count)
    png_error(png, "is too short for the size that it names");
  png_set_expand(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  picture->width = png_get_image_width(png, info);
  picture->height = png_get_image_height(png, info);
  picture->channels = png_get_channels(png, info);
  picture->bits = png_get_bit_depth(png, info);
  size_t row = png_get_rowbytes(png, info);
  picture->size = row * picture->height;
  picture->pixels = (uint8_t *)calloc(picture->size ? picture->size : 1, 1);
  if (!picture->pixels) png_error(png, "no memory");
  cpng_rows(png, &state, row);
  png_read_image(png, state.rows);
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  free(state.rows);
  return 0;
}

// The bytes of a PNG of 8-bit pixels, grey or RGB by `channels`, malloc'd; NULL when there is no memory.
static inline uint8_t *cpng_write(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, size_t *count) {
  cpng_picture picture = {.width = width, .height = height, .channels = channels, .bits = 8, .pixels = pixels};
  cpng_state state = {.picture = &picture};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, cpng_error, cpng_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    return NULL;
  }
  if (setjmp(state.out)) {
    png_destroy_write_struct(&png, &info);
    free(state.rows);
    free(state.grown);
    return NULL;
  }
  png_set_write_fn(png, &state, cpng_give, cpng_flush);
  png_set_IHDR(png, info, width, height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  cpng_rows(png, &state, (size_t)width * channels);
  png_write_info(png, info);
  png_write_image(png, state.rows);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  free(state.rows);
  *count = state.count;
  return state.grown;
}
