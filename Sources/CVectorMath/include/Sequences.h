#pragma once
#include <stddef.h>
#include <stdint.h>

// Recurrent cells after their products, and attention. Rows (of a batch) and heads are independent of one another.

// LSTM (Hochreiter & Schmidhuber 1997) with PyTorch's order of gates i, f, g, o: gates is rows × 4n and holds the sums of
// products and biases; on return σ(i), σ(f), tanh(g), σ(o), as the backward pass wants them.
// cell = σ(f) before + σ(i) tanh(g); hidden = σ(o) tanh(cell). Steps are between rows; cell may be before.
void vm_lstm(size_t rows, size_t n, float *gates, size_t gates_step, const float *before, size_t before_step,
             float *cell, size_t cell_step, float *hidden, size_t hidden_step);
// From d_hidden and d_cell (what comes from the next step; in place becomes what goes to the step before): gates become the
// derivatives by the sums, in d_gates (which may be gates).
void vm_lstm_backward(size_t rows, size_t n, const float *gates, size_t gates_step, const float *before,
                      size_t before_step, const float *cell, size_t cell_step, const float *d_hidden,
                      size_t d_hidden_step, float *d_cell, size_t d_cell_step, float *d_gates, size_t d_gates_step);
// GRU (Cho et al. 2014) with PyTorch's order r, z, n: x and h are rows × 3n, the products (with biases) of input and hidden
// state; on return x holds σ(r), σ(z), tanh(n) with n = x_n + r h_n. hidden = (1 - z) n + z before.
void vm_gru(size_t rows, size_t n, float *x, size_t x_step, const float *h, size_t h_step, const float *before,
            size_t before_step, float *hidden, size_t hidden_step);
// d_x and d_h are rows × 3n: the derivatives by both sums (d_x may be x). d_before (+)= z d_hidden; the part by h is the
// product of d_h and the weights.
void vm_gru_backward(size_t rows, size_t n, const float *x, size_t x_step, const float *h, size_t h_step,
                     const float *before, size_t before_step, const float *d_hidden, size_t d_hidden_step, float *d_x,
                     size_t d_x_step, float *d_h, size_t d_h_step, float *d_before, size_t d_before_step,
                     int accumulate);

// One head: out[i] = Σ_j softmax_j(scale q[i]·k[j]) v[j], causal: j <= i + keys - queries. Rows of q, k, v, out are their steps
// apart (heads may be interleaved). p is queries × keys: the probabilities, kept for the backward pass (0 beyond the mask).
// A single query with the keys so far is a step of decoding from a key-value cache.
void vm_attention(size_t queries, size_t keys, size_t width, float scale, int causal, const float *q, size_t q_step,
                  const float *k, size_t k_step, const float *v, size_t v_step, float *p, float *out,
                  size_t out_step);
// d_q, d_k, d_v are added to; space is queries × keys.
void vm_attention_backward(size_t queries, size_t keys, size_t width, float scale, int causal, const float *q,
                           size_t q_step, const float *k, size_t k_step, const float *v, size_t v_step, const float *p,
                           const float *d_out, size_t d_out_step, float *d_q, size_t d_q_step, float *d_k,
                           size_t d_k_step, float *d_v, size_t d_v_step, float *space);
// Rows of logits: y = softmax(scale x) where only the first keys - queries + 1 + row of a row count when causal. In place.
void vm_masked_softmax(size_t queries, size_t keys, float scale, int causal, float *x);

// NADE (Larochelle & Murray 2011): logits[r,j] = b[j] + v[j]·σ(c + Σ_{i<j} x[r,i] w[i]), w and v n × hidden; places with x = 0 are
// passed over. Leaves the sum over all i in sums, rows × hidden, from which the way back undoes one place after the other.
size_t vm_nade_space(size_t hidden);
void vm_nade(size_t rows, size_t n, size_t hidden, const float *x, const float *w, const float *c, const float *v,
             const float *b, float *logits, float *sums, float *space);
// Adds to d_w, d_c and d_v for hidden units first … first + count.
void vm_nade_backward(size_t rows, size_t n, size_t hidden, size_t first, size_t count, const float *x, const float *w,
                      const float *v, const float *sums, const float *d_logits, float *d_w, float *d_c, float *d_v,
                      float *space);
