/*
 * Training of dense networks, in WebAssembly: what kernel.c of ../model computes, and the way back.
 *
 * `make wasm` compiles this file to kernel_wasm.js beside it, and compiled.js calls it. It is a module of
 * its own, so that pages that only decode do not load it. Each function computes what the function of its
 * name in scripted.js computes. Up to three numbers behind an array may be read, but none is used or written.
 */
#include "../model/kernel.c"

/* Vectors whose places are in a table at a time. */
#define PLACES 128

/*
 * y (count, outputs) = x W' + b, for x (count, inputs) and W (outputs, inputs). So are the products on the way
 * back, of matrices that are transposed before: the gradient by W is dy' x, the one by x is dy W.
 */
EXPORT void dense(const float *weight, const float *bias, const float *x, float *y, int outputs, int inputs, int count) {
  int from[PLACES], to[PLACES];
  const int none = 0;
  for (int n = 0; n < PLACES; n++) from[n] = n * inputs, to[n] = n * outputs;
  const Product all = {weight, bias, outputs, 1, inputs, &none, from, to};
  for (; count > 0; count -= PLACES, x += PLACES * inputs, y += PLACES * outputs) {
    products(&all, x, y, count < PLACES ? count : PLACES);
  }
}

/* The transpose of a matrix, in squares of four where there are as many. */
EXPORT void transposed(const float *x, float *y, int rows, int columns) {
  int i = 0;
  for (; i + 4 <= rows; i += 4) {
    int j = 0;
    for (; j + 4 <= columns; j += 4) {
      vec columns_of[4];
      transpose(x + i * columns + j, columns, columns_of);
      for (int k = 0; k < 4; k++) wasm_v128_store(y + (j + k) * rows + i, columns_of[k]);
    }
    for (; j < columns; j++) {
      for (int k = i; k < i + 4; k++) y[j * rows + k] = x[k * columns + j];
    }
  }
  for (; i < rows; i++) {
    for (int j = 0; j < columns; j++) y[j * rows + i] = x[i * columns + j];
  }
}

/* The sum of all rows of a matrix. */
EXPORT void sum_rows(const float *x, float *y, int rows, int columns) {
  for (int n = 0; n < columns; n += 4) {
    vec sum = splat(0);
    for (int row = 0; row < rows; row++) sum = plus(sum, load(x + row * columns + n));
    store(y + n, sum, columns - n);
  }
}

/* The gradient by what an activation reads, from what it reads (x) and writes (y), and the gradient by the latter. */
#define DERIVATIVE(name, result, ...)                                                                                   \
  EXPORT void name(const float *input, const float *output, const float *gradient, float *to, int length, ##__VA_ARGS__) { \
    for (int i = 0; i < length; i += 4) {                                                                               \
      const vec x = load(input + i), y = load(output + i), dy = load(gradient + i);                                     \
      (void)x, (void)y;                                                                                                 \
      store(to + i, result, length - i);                                                                                \
    }                                                                                                                   \
  }

DERIVATIVE(tanh_back, times(dy, wasm_f32x4_sub(splat(1), times(y, y))))
DERIVATIVE(relu_back, wasm_v128_and(dy, wasm_f32x4_gt(x, splat(0))))
DERIVATIVE(leaky_relu_back, wasm_v128_bitselect(dy, times(dy, splat(slope)), wasm_f32x4_gt(x, splat(0))), float slope)

/* d(x s)/dx = s (1 + x (1 - s)) with s the sigmoid of x. */
INLINE vec silu_slope(vec x) {
  const vec s = sigmoid_of(x);
  return times(s, multiply_add(x, wasm_f32x4_sub(splat(1), s), splat(1)));
}
DERIVATIVE(silu_back, times(dy, silu_slope(x)))

/* A function of one number. */
#define ONE(function, x) wasm_f32x4_extract_lane(function(splat(x)), 0)

/*
 * q(z|x) = N(mu, e^logvar) of `count` pictures from `s`, (count, 2 size): mu, then what becomes the
 * log-variance by the smooth limits low and high. Writes the samples z = mu + e^(logvar / 2) noise,
 * and KL(q || N(0, 1)) of each picture.
 */
EXPORT void posterior(const float *s, const float *noise, float *logvar, float *z, float *rate, int count, int size, float low, float high) {
  for (; count > 0; count--, s += 2 * size, noise += size, logvar += size, z += size, rate++) {
    float kl = 0;
    for (int j = 0; j < size; j++) {
      const float mu = s[j], capped = high - ONE(softplus_of, high - s[size + j]);
      logvar[j] = low + ONE(softplus_of, capped - low);
      z[j] = mu + ONE(exp_of, 0.5f * logvar[j]) * noise[j];
      kl += 0.5f * (mu * mu + ONE(exp_of, logvar[j]) - logvar[j] - 1);
    }
    *rate = kl;
  }
}

/* The gradient by `s` of what has the gradient dz by z, plus weight times the sum of the KLs. */
EXPORT void posterior_back(const float *s, const float *noise, const float *logvar, const float *dz, float *ds, int count, int size, float weight,
                           float low, float high) {
  for (; count > 0; count--, s += 2 * size, noise += size, logvar += size, dz += size, ds += 2 * size) {
    for (int j = 0; j < size; j++) {
      const float raw = s[size + j], capped = high - ONE(softplus_of, high - raw);
      const float by_logvar = 0.5f * (dz[j] * noise[j] * ONE(exp_of, 0.5f * logvar[j]) + weight * (ONE(exp_of, logvar[j]) - 1));
      ds[j] = dz[j] + weight * s[j];
      ds[size + j] = by_logvar * ONE(sigmoid_of, capped - low) * ONE(sigmoid_of, high - raw);
    }
  }
}

/* The first `left` numbers of a vector, and zeros. */
INLINE vec first(vec values, int left) {
  return wasm_v128_and(values, wasm_i32x4_lt(wasm_i32x4_const(0, 1, 2, 3), wasm_i32x4_splat(left)));
}

INLINE float sum_of(vec a) { return wasm_f32x4_extract_lane(sums(a, a, a, a), 0); }

/* Minus log p(x|z) of Bernoulli pixels from their logits, and weight times its gradient by these. */
EXPORT void bernoulli(const float *logits, const float *x, float *gradient, float *distortion, int count, int pixels, float weight) {
  for (; count > 0; count--, logits += pixels, x += pixels, gradient += pixels, distortion++) {
    vec sum = splat(0);
    for (int i = 0; i < pixels; i += 4) {
      const vec l = load(logits + i), target = load(x + i);
      sum = plus(sum, first(wasm_f32x4_sub(softplus_of(l), times(target, l)), pixels - i));
      store(gradient + i, times(splat(weight), wasm_f32x4_sub(sigmoid_of(l), target)), pixels - i);
    }
    *distortion = sum_of(sum);
  }
}

/*
 * The same of Gaussian pixels: their means are the sigmoids of the first `pixels` numbers, their
 * log-variances bend away from `floor` by the softplus of the others.
 */
EXPORT void gaussian(const float *values, const float *x, float *gradient, float *distortion, int count, int pixels, float weight, float floor) {
  const vec half = splat(0.5f), lowest = splat(floor), scale = splat(weight);
  for (; count > 0; count--, values += 2 * pixels, x += pixels, gradient += 2 * pixels, distortion++) {
    vec sum = splat(0);
    for (int i = 0; i < pixels; i += 4) {
      const vec mean = sigmoid_of(load(values + i)), above = wasm_f32x4_sub(load(values + pixels + i), lowest);
      const vec logvar = plus(lowest, softplus_of(above)), far = wasm_f32x4_sub(mean, load(x + i));
      const vec weighted = times(far, exp_of(wasm_f32x4_neg(logvar))), squared = times(far, weighted);
      sum = plus(sum, first(plus(plus(squared, logvar), splat(1.83787706640935f)), pixels - i));
      const vec slope = times(mean, wasm_f32x4_sub(splat(1), mean));
      store(gradient + i, times(scale, times(weighted, slope)), pixels - i);
      const vec by_logvar = times(half, wasm_f32x4_sub(splat(1), squared));
      store(gradient + pixels + i, times(scale, times(by_logvar, sigmoid_of(above))), pixels - i);
    }
    *distortion = 0.5f * sum_of(sum);
  }
}

/*
 * A step of Adam (Kingma & Ba 2015, algorithm 1) with its beta of 0.9 and 0.999: `step` is the
 * learning rate over 1 - 0.9^t, `root` the square root of 1 - 0.999^t.
 */
EXPORT void adam(float *weight, const float *gradient, float *mean, float *square, int length, float step, float root, float epsilon) {
  const vec down = splat(-step), corrected = splat(1 / root), least = splat(epsilon);
  for (int i = 0; i < length; i += 4) {
    const vec g = load(gradient + i);
    const vec m = multiply_add(wasm_f32x4_sub(g, load(mean + i)), splat(0.1f), load(mean + i));
    const vec s = multiply_add(times(g, g), splat(0.001f), times(load(square + i), splat(0.999f)));
    const vec size = plus(times(wasm_f32x4_sqrt(s), corrected), least);
    store(mean + i, m, length - i);
    store(square + i, s, length - i);
    store(weight + i, multiply_add(down, over(m, size), load(weight + i)), length - i);
  }
}
