/*
 * The most that one thread multiplies and adds with vectors of four float32 numbers: nothing is
 * read or written, and twelve sums that do not wait for each other hide the latency.
 */
#include <wasm_simd128.h>

#define SUMS 12

#ifdef __wasm_relaxed_simd__
#define multiply_add wasm_f32x4_relaxed_madd
#else
#define multiply_add(a, b, sum) wasm_f32x4_add(wasm_f32x4_mul(a, b), sum)
#endif

/* 8 * SUMS operations in each of `rounds`. */
__attribute__((visibility("default"))) float peak(int rounds) {
  const v128_t factor = wasm_f32x4_splat(0.5f), term = wasm_f32x4_splat(1.0f);
  v128_t sum[SUMS];
  for (int i = 0; i < SUMS; i++) sum[i] = wasm_f32x4_splat(i);
  for (int n = 0; n < rounds; n++) {
    for (int i = 0; i < SUMS; i++) sum[i] = multiply_add(sum[i], factor, term);
  }
  v128_t total = sum[0];
  for (int i = 1; i < SUMS; i++) total = wasm_f32x4_add(total, sum[i]);
  return wasm_f32x4_extract_lane(total, 0);
}
