#include "Clones.h"
#include "CVectorMath.h"
#include <string.h>

size_t vm_convolution_height(const vm_convolution *s) {
  size_t reach = s->dilation_height * (s->kernel_height - 1) + 1, padded = s->height + s->top + s->bottom;
  return padded < reach ? 0 : (padded - reach) / s->stride_height + 1;
}
size_t vm_convolution_width(const vm_convolution *s) {
  size_t reach = s->dilation_width * (s->kernel_width - 1) + 1, padded = s->width + s->left + s->right;
  return padded < reach ? 0 : (padded - reach) / s->stride_width + 1;
}

static size_t most(size_t a, size_t b) { return a > b ? a : b; }
static size_t up(size_t a, size_t b) { return (a + b - 1) / b; }

// The padded image, one plane per channel and phase of the stride.
typedef struct {
  size_t rows, pitch, phase, plane;  // a phase is rows × pitch, a plane all phases of a channel
} Padded;

static Padded padded_of(const vm_convolution *s) {
  Padded p = {up(s->height + s->top + s->bottom, s->stride_height), up(s->width + s->left + s->right, s->stride_width),
              0, 0};
  p.phase = p.rows * p.pitch;
  p.plane = p.phase * s->stride_height * s->stride_width;
  return p;
}

// The derivative by the input, by phases of the padded input: pixel q of phase r gets, for every tap whose shift t = dilation ·
// tap is r modulo the stride, the output q - (t - r)/stride. So the padded output begins `before` ahead of output 0.
typedef struct {
  ptrdiff_t before, size;
} Margin;
static ptrdiff_t first_of(size_t pad, size_t r, size_t stride) {
  return pad > r ? (ptrdiff_t)up(pad - r, stride) : 0;
}
static ptrdiff_t past_of(size_t pad, size_t extent, size_t r, size_t stride) {
  return extent + pad > r ? (ptrdiff_t)up(extent + pad - r, stride) : 0;
}
static Margin margin_of(size_t extent, size_t pad, size_t kernel, size_t dilation, size_t stride, size_t out) {
  ptrdiff_t low = 0, high = (ptrdiff_t)out;
  for (size_t k = 0; k < kernel; k++) {
    size_t t = k * dilation, r = t % stride;
    ptrdiff_t shift = (ptrdiff_t)(t / stride), from = first_of(pad, r, stride) - shift,
              to = past_of(pad, extent, r, stride) - shift;
    low = from < low ? from : low;
    high = to > high ? to : high;
  }
  return (Margin){-low, high - low};
}
typedef struct {
  Margin y, x;
  size_t plane;
} Spread;
static Spread spread_of(const vm_convolution *s) {
  Spread d;
  d.y = margin_of(s->height, s->top, s->kernel_height, s->dilation_height, s->stride_height, vm_convolution_height(s));
  d.x = margin_of(s->width, s->left, s->kernel_width, s->dilation_width, s->stride_width, vm_convolution_width(s));
  d.plane = (size_t)(d.y.size * d.x.size);
  return d;
}

typedef struct {
  float *weights, *plane, *wide;
  int32_t *at;
} Space;

static size_t space_of(const vm_convolution *s, float *space, Space *parts) {
  Padded p = padded_of(s);
  Spread d = spread_of(s);
  size_t taps = s->kernel_height * s->kernel_width, inner = s->channels / s->groups, outer = s->outputs / s->groups;
  size_t weights = s->outputs * inner * taps, at = most(inner, outer) * taps;
  size_t plane = most(s->channels * p.plane, s->outputs * d.plane) + 16;
  size_t row_pixels = vm_convolution_height(s) * p.pitch;
  size_t wide = most(s->outputs * row_pixels,
                     inner * (s->height + s->top + 1) * (size_t)most((size_t)d.x.size, s->width + s->left + 1)) + 16;
  if (space) *parts = (Space){space, space + weights, space + weights + plane, (int32_t *)(space + weights + plane + wide)};
  return weights + plane + wide + at;
}

size_t vm_convolution_space(const vm_convolution *s) { return space_of(s, 0, 0); }

static void pad_image(const vm_convolution *s, Padded p, const float *x, float *plane) {
  memset(plane, 0, s->channels * p.plane * sizeof(float));
  for (size_t c = 0; c < s->channels; c++)
    for (size_t y = 0; y < s->height; y++, x += s->width) {
      size_t row = y + s->top;
      float *to = plane + c * p.plane + row % s->stride_height * s->stride_width * p.phase +
                  row / s->stride_height * p.pitch;
      if (s->stride_width == 1)
        memcpy(to + s->left, x, s->width * sizeof(float));
      else
        for (size_t i = 0; i < s->width; i++) {
          size_t column = i + s->left;
          to[column % s->stride_width * p.phase + column / s->stride_width] = x[i];
        }
    }
}

static int has_tap(const vm_convolution *s, size_t tap) { return !s->taps || s->taps[tap]; }

static size_t tap_offset(const vm_convolution *s, Padded p, size_t ky, size_t kx) {
  size_t y = ky * s->dilation_height, x = kx * s->dilation_width;
  return (y % s->stride_height * s->stride_width + x % s->stride_width) * p.phase + y / s->stride_height * p.pitch +
         x / s->stride_width;
}

void vm_convolve(const vm_convolution *s, size_t batch, const float *x, const float *w, const float *bias, float *y,
                 float *space) {
  Padded p = padded_of(s);
  Space parts;
  space_of(s, space, &parts);
  size_t rows = vm_convolution_height(s), columns = vm_convolution_width(s), taps = s->kernel_height * s->kernel_width;
  size_t inner = s->channels / s->groups, outer = s->outputs / s->groups, depth = 0;
  if (rows == 0 || columns == 0) return;
  // Weights as (channel, tap) × outputs of one group after the other; the same offsets serve every group.
  for (size_t c = 0; c < inner; c++)
    for (size_t t = 0; t < taps; t++)
      if (has_tap(s, t)) {
        parts.at[depth] = (int32_t)(c * p.plane + tap_offset(s, p, t / s->kernel_width, t % s->kernel_width));
        for (size_t o = 0; o < s->outputs; o++)
          parts.weights[o / outer * outer * inner * taps + depth * outer + o % outer] = w[(o * inner + c) * taps + t];
        depth++;
      }
  size_t wide = (rows - 1) * p.pitch + columns, pitch = rows * p.pitch;
  for (size_t b = 0; b < batch; b++, x += s->channels * s->height * s->width) {
    pad_image(s, p, x, parts.plane);
    for (size_t g = 0; g < s->groups; g++)
      vm_product_at(outer, wide, depth, parts.weights + g * outer * inner * taps, 1, outer,
                    parts.plane + g * inner * p.plane, parts.at, parts.wide + g * outer * pitch, pitch, 0);
    for (size_t o = 0; o < s->outputs; o++)
      for (size_t r = 0; r < rows; r++, y += columns)
        vm_affine(columns, parts.wide + o * pitch + r * p.pitch, 1.0f, bias ? bias[o] : 0.0f, y);
  }
}

// The taps that feed one phase of the padded input: how many numbers deep the product is.
static size_t phase_taps(const vm_convolution *s, Spread d, size_t ry, size_t rx, const float *w, Space parts) {
  size_t taps = s->kernel_height * s->kernel_width, depth = 0;
  size_t inner = s->channels / s->groups, outer = s->outputs / s->groups;
  ptrdiff_t qy = first_of(s->top, ry, s->stride_height), qx = first_of(s->left, rx, s->stride_width);
  for (size_t o = 0; o < outer; o++)
    for (size_t t = 0; t < taps; t++) {
      size_t y = t / s->kernel_width * s->dilation_height, x = t % s->kernel_width * s->dilation_width;
      if (!has_tap(s, t) || y % s->stride_height != ry || x % s->stride_width != rx) continue;
      ptrdiff_t row = qy - (ptrdiff_t)(y / s->stride_height) + d.y.before;
      ptrdiff_t column = qx - (ptrdiff_t)(x / s->stride_width) + d.x.before;
      parts.at[depth] = (int32_t)((ptrdiff_t)(o * d.plane) + row * d.x.size + column);
      for (size_t g = 0; g < s->groups; g++)
        for (size_t c = 0; c < inner; c++)
          parts.weights[g * outer * inner * taps + depth * inner + c] =
              w[((g * outer + o) * inner + c) * taps + t];
      depth++;
    }
  return depth;
}

void vm_convolve_input(const vm_convolution *s, size_t batch, const float *w, const float *dy, float *dx,
                       int accumulate, float *space) {
  Spread d = spread_of(s);
  Space parts;
  space_of(s, space, &parts);
  size_t rows = vm_convolution_height(s), columns = vm_convolution_width(s), taps = s->kernel_height * s->kernel_width;
  size_t inner = s->channels / s->groups, outer = s->outputs / s->groups, pixels = s->height * s->width;
  for (size_t ry = 0; ry < s->stride_height; ry++)
    for (size_t rx = 0; rx < s->stride_width; rx++) {
      ptrdiff_t qy = first_of(s->top, ry, s->stride_height), qx = first_of(s->left, rx, s->stride_width);
      ptrdiff_t high = past_of(s->top, s->height, ry, s->stride_height) - qy,
                across = past_of(s->left, s->width, rx, s->stride_width) - qx;
      if (high <= 0 || across <= 0) continue;
      size_t depth = rows && columns ? phase_taps(s, d, ry, rx, w, parts) : 0;
      size_t wide = (size_t)((high - 1) * d.x.size + across), pitch = (size_t)(high * d.x.size);
      size_t y0 = (size_t)qy * s->stride_height + ry - s->top, x0 = (size_t)qx * s->stride_width + rx - s->left;
      for (size_t b = 0; b < batch; b++) {
        const float *from = dy + b * s->outputs * rows * columns;
        if (depth) {
          memset(parts.plane, 0, s->outputs * d.plane * sizeof(float));
          for (size_t o = 0; o < s->outputs; o++)
            for (size_t r = 0; r < rows; r++, from += columns)
              memcpy(parts.plane + o * d.plane + ((size_t)d.y.before + r) * (size_t)d.x.size + d.x.before, from,
                     columns * sizeof(float));
        }
        for (size_t g = 0; g < s->groups; g++) {
          vm_product_at(inner, wide, depth, parts.weights + g * outer * inner * taps, 1, inner,
                        parts.plane + g * outer * d.plane, parts.at, parts.wide, pitch, 0);
          for (size_t c = 0; c < inner; c++)
            for (ptrdiff_t q = 0; q < high; q++) {
              float *to = dx + (b * s->channels + g * inner + c) * pixels +
                          (y0 + (size_t)q * s->stride_height) * s->width + x0;
              const float *sum = parts.wide + c * pitch + q * d.x.size;
              if (s->stride_width == 1 && accumulate)
                vm_axpy((size_t)across, 1.0f, sum, to);
              else if (s->stride_width == 1)
                memcpy(to, sum, (size_t)across * sizeof(float));
              else
                for (ptrdiff_t i = 0; i < across; i++) {
                  float *at = to + (size_t)i * s->stride_width;
                  *at = accumulate ? *at + sum[i] : sum[i];
                }
            }
        }
      }
    }
}

void vm_convolve_weights(const vm_convolution *s, size_t batch, size_t first, size_t count, const float *x,
                         const float *dy, float *dw, float *db, float *space) {
  Padded p = padded_of(s);
  Space parts;
  space_of(s, space, &parts);
  size_t rows = vm_convolution_height(s), columns = vm_convolution_width(s), taps = s->kernel_height * s->kernel_width;
  size_t inner = s->channels / s->groups, outer = s->outputs / s->groups, depth = 0;
  if (rows == 0 || columns == 0 || count == 0) return;
  for (size_t c = 0; c < inner; c++)
    for (size_t t = 0; t < taps; t++)
      if (has_tap(s, t))
        parts.at[depth++] = (int32_t)(c * p.plane + tap_offset(s, p, t / s->kernel_width, t % s->kernel_width));
  // Gradients of the taps in use, side by side: a small matrix that is put in its place at the end.
  float *sums = parts.weights;
  memset(sums, 0, count * depth * sizeof(float));
  size_t pitch = rows * p.pitch, wide = (rows - 1) * p.pitch + columns;
  memset(parts.wide, 0, count * pitch * sizeof(float));
  for (size_t b = 0; b < batch; b++, x += s->channels * s->height * s->width) {
    pad_image(s, p, x, parts.plane);
    const float *from = dy + (b * s->outputs + first) * rows * columns;
    for (size_t o = 0; o < count; o++) {
      if (db) db[first + o] += vm_sum(rows * columns, from);
      for (size_t r = 0; r < rows; r++, from += columns)
        memcpy(parts.wide + o * pitch + r * p.pitch, from, columns * sizeof(float));
    }
    for (size_t o = 0; o < count;) {
      size_t g = (first + o) / outer, next = (g + 1) * outer - first, take = next < count ? next - o : count - o;
      vm_dots_at(take, depth, wide, parts.wide + o * pitch, pitch, parts.plane + g * inner * p.plane, parts.at,
                 sums + o * depth, depth);
      o += take;
    }
  }
  for (size_t o = 0; o < count; o++) {
    size_t k = 0;
    for (size_t c = 0; c < inner; c++)
      for (size_t t = 0; t < taps; t++)
        if (has_tap(s, t)) dw[((first + o) * inner + c) * taps + t] += sums[o * depth + k++];
  }
}

#define EACH_COLUMN(ACTION)                                                                                        \
  size_t rows = vm_convolution_height(s), across = vm_convolution_width(s);                                        \
  for (size_t c = 0; c < s->channels; c++)                                                                         \
    for (size_t ky = 0; ky < s->kernel_height; ky++)                                                               \
      for (size_t kx = 0; kx < s->kernel_width; kx++)                                                              \
        for (size_t r = 0; r < rows; r++) {                                                                        \
          ptrdiff_t y = (ptrdiff_t)(r * s->stride_height + ky * s->dilation_height) - (ptrdiff_t)s->top;           \
          for (size_t i = 0; i < across; i++, columns++) {                                                         \
            ptrdiff_t q = (ptrdiff_t)(i * s->stride_width + kx * s->dilation_width) - (ptrdiff_t)s->left;          \
            int inside = y >= 0 && y < (ptrdiff_t)s->height && q >= 0 && q < (ptrdiff_t)s->width;                  \
            size_t from = inside ? (c * s->height + (size_t)y) * s->width + (size_t)q : 0;                         \
            ACTION                                                                                                 \
          }                                                                                                        \
        }

void vm_im2col(const vm_convolution *s, const float *x, float *columns) {
  EACH_COLUMN(*columns = inside ? x[from] : 0.0f;)
}
void vm_col2im(const vm_convolution *s, const float *columns, float *dx) {
  EACH_COLUMN(if (inside) dx[from] += *columns;)
}
