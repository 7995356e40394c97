/*
 * The inner loops of networks, in WebAssembly with vectors of four float32 numbers.
 *
 * `make wasm` compiles this file to kernel_wasm.js, and kernel.js calls it. Each function computes
 * what the JavaScript operation of its name computes (products.js, activations.js, operations.js).
 * Up to three numbers behind an array may be read, but none is used or written.
 */
#include <wasm_simd128.h>

typedef v128_t vec;

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

#define splat wasm_f32x4_splat
#define load wasm_v128_load
#define plus wasm_f32x4_add
#define times wasm_f32x4_mul
#define over wasm_f32x4_div
#ifdef __wasm_relaxed_simd__ /* one instruction where the processor has it */
#define multiply_add wasm_f32x4_relaxed_madd
#else
#define multiply_add(a, b, sum) plus(times(a, b), sum)
#endif

/* Write the first `left` numbers of a vector, all four if there are more. */
INLINE void store(float *y, vec values, int left) {
  if (left >= 4) {
    wasm_v128_store(y, values);
    return;
  }
  y[0] = wasm_f32x4_extract_lane(values, 0);
  if (left > 1) y[1] = wasm_f32x4_extract_lane(values, 1);
  if (left > 2) y[2] = wasm_f32x4_extract_lane(values, 2);
}

/* ---- Products ------------------------------------------------------------------------------- */

/*
 * W v + b, where the vectors v are picked from x.
 *
 * Vector number n is `runs` runs of `run` numbers of x, run r from x[from[n] + offset[r]] on. An
 * input of a dense layer is one run. The pixels under the kernel of a convolution are a run for each
 * row of the kernel. The result is written from y[to[n]] on.
 */
typedef struct {
  const float *weight, *bias; /* (outputs, runs * run), (outputs) */
  int outputs, runs, run;
  const int *offset, *from, *to; /* (runs), (count), (count) */
} Product;

/* The sum of each of four vectors. */
INLINE vec sums(vec a, vec b, vec c, vec d) {
  vec ab = plus(wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), wasm_i32x4_shuffle(a, b, 2, 6, 3, 7));
  vec cd = plus(wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), wasm_i32x4_shuffle(c, d, 2, 6, 3, 7));
  return plus(wasm_i64x2_shuffle(ab, cd, 0, 2), wasm_i64x2_shuffle(ab, cd, 1, 3));
}

/*
 * Some outputs of some vectors. With 4 outputs of 2 vectors, eight sums stay in registers, which
 * hides the latency of an addition, and each number that is loaded is used more than once.
 */
INLINE void block(const Product *p, const float *x, float *y, int row, const int rows, int n, const int vectors) {
  const int whole = p->run & ~3, rest = p->run & 3;
  const vec in_rest = wasm_i32x4_lt(wasm_i32x4_const(0, 1, 2, 3), wasm_i32x4_splat(rest));
  const float *w[4], *v[4];
  vec sum[4][4] = {0};
  for (int i = 0; i < rows; i++) w[i] = p->weight + (row + i) * p->runs * p->run;
  for (int r = 0; r < p->runs; r++) {
    for (int j = 0; j < vectors; j++) v[j] = x + p->from[n + j] + p->offset[r];
    for (int k = 0; k < whole; k += 4) {
      vec weights[4];
      for (int i = 0; i < rows; i++) weights[i] = load(w[i]), w[i] += 4;
      for (int j = 0; j < vectors; j++) {
        const vec values = load(v[j]);
        for (int i = 0; i < rows; i++) sum[j][i] = multiply_add(weights[i], values, sum[j][i]);
        v[j] += 4;
      }
    }
    if (rest == 0) continue;
    for (int j = 0; j < vectors; j++) {
      const vec values = wasm_v128_and(load(v[j]), in_rest);
      for (int i = 0; i < rows; i++) {
        sum[j][i] = multiply_add(wasm_v128_and(load(w[i]), in_rest), values, sum[j][i]);
      }
    }
    for (int i = 0; i < rows; i++) w[i] += rest;
  }
  for (int j = 0; j < vectors; j++) {
    const vec total = sums(sum[j][0], sum[j][1], sum[j][2], sum[j][3]);
    float *to = y + p->to[n + j] + row;
    if (rows == 4) wasm_v128_store(to, plus(total, load(p->bias + row)));
    else *to = wasm_f32x4_extract_lane(total, 0) + p->bias[row];
  }
}

EXPORT void products(const Product *p, const float *x, float *y, int count) {
  int row = 0, n;
  for (; row + 4 <= p->outputs; row += 4) {
    for (n = 0; n + 2 <= count; n += 2) block(p, x, y, row, 4, n, 2);
    for (; n < count; n++) block(p, x, y, row, 4, n, 1);
  }
  for (; row < p->outputs; row++) {
    for (n = 0; n + 4 <= count; n += 4) block(p, x, y, row, 1, n, 4);
    for (; n < count; n++) block(p, x, y, row, 1, n, 1);
  }
}

/*
 * The same for vectors of few numbers, one run each, where `weight` is transposed: (run, outputs).
 * Sixteen outputs at a time use each number four times.
 */
EXPORT void thin_products(const Product *p, const float *x, float *y, int count) {
  int row = 0;
  for (; row + 16 <= p->outputs; row += 16) {
    for (int n = 0; n < count; n++) {
      const float *w = p->weight + row, *v = x + p->from[n];
      vec sum[4];
      for (int i = 0; i < 4; i++) sum[i] = load(p->bias + row + 4 * i);
      for (int k = 0; k < p->run; k++, w += p->outputs) {
        const vec value = wasm_v128_load32_splat(v + k);
        for (int i = 0; i < 4; i++) sum[i] = multiply_add(load(w + 4 * i), value, sum[i]);
      }
      for (int i = 0; i < 4; i++) wasm_v128_store(y + p->to[n] + row + 4 * i, sum[i]);
    }
  }
  for (; row < p->outputs; row += 4) {
    for (int n = 0; n < count; n++) {
      const float *w = p->weight + row, *v = x + p->from[n];
      vec sum = load(p->bias + row);
      for (int k = 0; k < p->run; k++, w += p->outputs) sum = multiply_add(load(w), wasm_v128_load32_splat(v + k), sum);
      store(y + p->to[n] + row, sum, p->outputs - row);
    }
  }
}

/* Copy rows of `length` numbers, with zeros before and after each, and above and below them all. */
EXPORT void pad(const float *x, float *y, int rows, int length, int above, int before, int after, int below) {
  __builtin_memset(y, 0, 4 * above);
  for (y += above; rows > 0; rows--, x += length, y += before + length + after) {
    __builtin_memset(y, 0, 4 * before);
    __builtin_memcpy(y + before, x, 4 * length);
    __builtin_memset(y + before + length, 0, 4 * after);
  }
  __builtin_memset(y, 0, 4 * below);
}

/* ---- Activations ---------------------------------------------------------------------------- */

/*
 * e^x = 2^k e^r with |r| <= ln(2) / 2, and e^r by the polynomial of Cephes (expf); x beyond what
 * float32 has is limited. Adding and taking off 1.5 * 2^23 rounds to a whole number, whose last bits
 * become the exponent of 2^k.
 */
INLINE vec exponential(vec x) {
  const vec rounder = splat(12582912.0f);
  x = wasm_f32x4_pmax(wasm_f32x4_pmin(x, splat(88.37f)), splat(-87.33f));
  const vec rounded = multiply_add(x, splat(1.44269504f), rounder), k = wasm_f32x4_sub(rounded, rounder);
  const vec r = multiply_add(k, splat(2.12194440e-4f), multiply_add(k, splat(-0.693359375f), x));
  vec series = splat(1.9875691500e-4f);
  series = multiply_add(series, r, splat(1.3981999507e-3f));
  series = multiply_add(series, r, splat(8.3334519073e-3f));
  series = multiply_add(series, r, splat(4.1665795894e-2f));
  series = multiply_add(series, r, splat(1.6666665459e-1f));
  series = multiply_add(series, r, splat(5.0000001201e-1f));
  series = multiply_add(series, times(r, r), plus(r, splat(1)));
  return times(series, wasm_i32x4_add(wasm_i32x4_shl(rounded, 23), splat(1)));
}

/* e^x = (e^(x/2))^2, which may be 0 or infinite. */
INLINE vec exp_of(vec x) {
  const vec root = exponential(times(x, splat(0.5f)));
  return times(root, root);
}

INLINE vec sigmoid_of(vec x) { return over(splat(1), plus(splat(1), exponential(wasm_f32x4_neg(x)))); }

/* 1 - 2 / (e^2|x| + 1) with the sign of x; near 0, where that loses digits, the polynomial of Cephes (tanhf). */
INLINE vec tanh_of(vec x) {
  const vec size = wasm_f32x4_abs(x), square = times(x, x);
  vec series = splat(-5.70498872745e-3f);
  series = multiply_add(series, square, splat(2.06390887954e-2f));
  series = multiply_add(series, square, splat(-5.37397155531e-2f));
  series = multiply_add(series, square, splat(1.33314422036e-1f));
  series = multiply_add(series, square, splat(-3.33332819422e-1f));
  const vec near = multiply_add(times(series, square), x, x);
  const vec far = wasm_f32x4_sub(splat(1), over(splat(2), plus(exponential(plus(size, size)), splat(1))));
  return wasm_v128_bitselect(near, wasm_v128_bitselect(x, far, splat(-0.0f)), wasm_f32x4_lt(size, splat(0.625f)));
}

/* max(x, 0) + ln(1 + u) with u = e^-|x|, and ln(1 + u) = 2 atanh(s) with s = u / (2 + u) <= 1/3. */
INLINE vec softplus_of(vec x) {
  const vec u = exponential(wasm_f32x4_neg(wasm_f32x4_abs(x))), s = over(u, plus(u, splat(2))), square = times(s, s);
  vec series = splat(1.0f / 15);
  for (int odd = 13; odd > 0; odd -= 2) series = multiply_add(series, square, splat(1.0f / odd));
  return multiply_add(times(series, s), splat(2), wasm_v128_and(x, wasm_f32x4_gt(x, splat(0))));
}

/* e^x - 1 = 2 t / (1 - t) with t = tanh(x / 2), which loses no digits near 0. */
INLINE vec minus_one_of(vec x) {
  const vec t = tanh_of(times(x, splat(0.5f)));
  return over(plus(t, t), wasm_f32x4_sub(splat(1), t));
}

/*
 * x times the share of a normal distribution below x: max(x, 0) - |x| erfc(|x| / sqrt(2)) / 2, with
 * erfc of Press et al., Numerical Recipes, 6.2.
 */
INLINE vec gelu_of(vec x) {
  static const float terms[] = {-0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f, -0.18628806f, 0.09678418f,
                                0.37409196f, 1.00002368f, -1.26551223f};
  const vec size = wasm_f32x4_abs(x), a = times(size, splat(0.70710678f));
  const vec t = over(splat(1), multiply_add(a, splat(0.5f), splat(1)));
  vec series = splat(0.17087277f);
  for (int i = 0; i < 9; i++) series = multiply_add(series, t, splat(terms[i]));
  const vec erfc = times(t, exponential(wasm_f32x4_sub(series, times(a, a))));
  return wasm_f32x4_sub(wasm_v128_and(x, wasm_f32x4_gt(x, splat(0))), times(times(size, splat(0.5f)), erfc));
}

/* Twice in each turn of the loop where it is used most: the constants then are read half as often. */
#define UNROLL(turns) UNROLL_(clang loop unroll_count(turns))
#define UNROLL_(pragma) _Pragma(#pragma)
#define ACTIVATION(turns, name, result, ...)                              \
  EXPORT void name(const float *x, float *y, int length, ##__VA_ARGS__) { \
    UNROLL(turns)                                                         \
    for (int i = 0; i < length; i += 4) {                                 \
      const vec a = load(x + i);                                          \
      store(y + i, result, length - i);                                   \
    }                                                                     \
  }

ACTIVATION(1, relu, wasm_v128_and(a, wasm_f32x4_gt(a, splat(0))))
ACTIVATION(1, leaky_relu, wasm_v128_bitselect(a, times(a, splat(slope)), wasm_f32x4_gt(a, splat(0))), float slope)
ACTIVATION(1, exp, exp_of(a))
ACTIVATION(2, sigmoid, sigmoid_of(a))
ACTIVATION(2, tanh, tanh_of(a))
ACTIVATION(2, silu, times(wasm_f32x4_pmax(a, splat(-104)), sigmoid_of(a)))
ACTIVATION(1, softplus, softplus_of(a))
ACTIVATION(1, mish, times(wasm_f32x4_pmax(a, splat(-104)), tanh_of(softplus_of(a))))
ACTIVATION(1, elu, wasm_v128_bitselect(a, times(splat(alpha), minus_one_of(a)), wasm_f32x4_gt(a, splat(0))), float alpha)
ACTIVATION(1, gelu, gelu_of(a))
ACTIVATION(1, clip, wasm_f32x4_pmin(wasm_f32x4_pmax(a, splat(low)), splat(high)), float low, float high)

#define OF_TWO(name, result)                                                    \
  EXPORT void name(const float *x, const float *other, float *y, int length) {  \
    for (int i = 0; i < length; i += 4) {                                       \
      const vec a = load(x + i), b = load(other + i);                           \
      store(y + i, result, length - i);                                         \
    }                                                                           \
  }

OF_TWO(sum, plus(a, b))
OF_TWO(difference, wasm_f32x4_sub(a, b))
OF_TWO(product, times(a, b))

/* The first half of each part times the sigmoid of its second half. */
EXPORT void gated(const float *x, float *y, int parts, int width) {
  for (; parts > 0; parts--, x += 2 * width, y += width) {
    for (int i = 0; i < width; i += 4) store(y + i, times(load(x + i), sigmoid_of(load(x + width + i))), width - i);
  }
}

/* Four rows of a matrix, transposed. */
INLINE void transpose(const float *x, int side, vec *columns) {
  const vec a = load(x), b = load(x + side), c = load(x + 2 * side), d = load(x + 3 * side);
  const vec ab_low = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab_high = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
  const vec cd_low = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), cd_high = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
  columns[0] = wasm_i64x2_shuffle(ab_low, cd_low, 0, 2), columns[1] = wasm_i64x2_shuffle(ab_low, cd_low, 1, 3);
  columns[2] = wasm_i64x2_shuffle(ab_high, cd_high, 0, 2), columns[3] = wasm_i64x2_shuffle(ab_high, cd_high, 1, 3);
}

/* The mean of square matrices and their transposes, in squares of four where there are as many. */
EXPORT void symmetric(const float *x, float *y, int matrices, int side) {
  const int whole = side & ~3;
  for (; matrices > 0; matrices--, x += side * side, y += side * side) {
    for (int i = 0; i < whole; i += 4) {
      for (int j = 0; j < whole; j += 4) {
        vec mirrored[4];
        transpose(x + j * side + i, side, mirrored);
        for (int k = 0; k < 4; k++) {
          const int at = (i + k) * side + j;
          wasm_v128_store(y + at, times(plus(load(x + at), mirrored[k]), splat(0.5f)));
        }
      }
    }
    for (int i = whole; i < side; i++) {
      for (int j = 0; j <= i; j++) y[i * side + j] = y[j * side + i] = 0.5f * (x[i * side + j] + x[j * side + i]);
    }
  }
}

/* One step of a gated recurrent unit: the gates r, z, n from what was read and what was recalled. */
EXPORT void recurrent_step(const float *read, const float *recalled, float *h, float *y, int units) {
  for (int i = 0; i < units; i += 4) {
    const vec reset = sigmoid_of(plus(load(read + i), load(recalled + i)));
    const vec update = sigmoid_of(plus(load(read + units + i), load(recalled + units + i)));
    const vec fresh = tanh_of(multiply_add(reset, load(recalled + 2 * units + i), load(read + 2 * units + i)));
    const vec next = multiply_add(update, wasm_f32x4_sub(load(h + i), fresh), fresh);
    store(h + i, next, units - i);
    store(y + i, next, units - i);
  }
}
