// Sixteen lanes at a time with the compiler's vector types: one source for every CPU, bfloat16 and float32 alike.
#pragma once
#include <cstdint>
#include <cstring>

namespace mtmt {

constexpr int kLanes = 16;
typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));

/** The upper half of a float32. */
struct bfloat16 {
  uint16_t bits;
};

#define MTMT_INLINE static inline __attribute__((always_inline))
#define MTMT_INLINE_MEMBER inline __attribute__((always_inline))

/** One broadcast. `Floats{} + value` is an addition as well, since it makes 0 of -0. */
MTMT_INLINE Floats all(float v) { return Floats{v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v}; }

MTMT_INLINE Floats load(const float* from) {
  Floats value;
  memcpy(&value, from, sizeof value);
  return value;
}
MTMT_INLINE void store(float* to, Floats value) { memcpy(to, &value, sizeof value); }

MTMT_INLINE Floats load(const bfloat16* from) {
  Halves halves;
  memcpy(&halves, from, sizeof halves);
  return (Floats)(__builtin_convertvector(halves, Words) << 16);
}
/** Rounds to the nearest, ties to even. */
MTMT_INLINE void store(bfloat16* to, Floats value) {
  const Words bits = (Words)value;
  const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Halves halves = __builtin_convertvector(rounded, Halves);
  memcpy(to, &halves, sizeof halves);
}

MTMT_INLINE float value(const float* from) { return *from; }
MTMT_INLINE float value(const bfloat16* from) {
  const uint32_t bits = uint32_t(from->bits) << 16;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
MTMT_INLINE void put(float* to, float value) { *to = value; }
MTMT_INLINE void put(bfloat16* to, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  to->bits = uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/** Always in the same order. */
MTMT_INLINE float sum(Floats v) {
  float total = 0;
  for (int lane = 0; lane < kLanes; lane++) total += v[lane];
  return total;
}
MTMT_INLINE float largest(Floats v) {
  float found = v[0];
  for (int lane = 1; lane < kLanes; lane++) found = v[lane] > found ? v[lane] : found;
  return found;
}
MTMT_INLINE Floats larger(Floats a, Floats b) { return a > b ? a : b; }
MTMT_INLINE Floats smaller(Floats a, Floats b) { return a < b ? a : b; }

/** Whether any lane is not zero. */
MTMT_INLINE bool any(Ints v) {
  uint64_t parts[8], together = 0;
  memcpy(parts, &v, sizeof parts);
  for (uint64_t part : parts) together |= part;
  return together != 0;
}

/** e^x within 2 ulp; 0 below -87. NaN stays NaN. */
MTMT_INLINE Floats exponential(Floats x) {
  const Floats clamped = smaller(larger(x, all(-87.0f)), all(88.0f));
  // n = round(x / ln 2), by adding and taking away what has no fraction bits left
  const Floats shifted = clamped * 1.44269504f + 12582912.0f;
  const Floats n = shifted - 12582912.0f;
  const Floats r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  Floats p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const Ints power = (__builtin_convertvector(n, Ints) + 127) << 23;
  const Floats result = p * (Floats)power;
  const Floats cut = x < all(-87.0f) ? all(0.0f) : result;
  return x == x ? cut : x;
}

/** Random bits of (key, index) alone (Wellons' lowbias32 hash): a step can be repeated, and its mask need not be kept. */
MTMT_INLINE Words hash(Words index, uint32_t key) {
  Words x = index ^ key;
  x = (x ^ (x >> 16)) * 0x21f0aaadu;
  x = (x ^ (x >> 15)) * 0x735a2d97u;
  return x ^ (x >> 15);
}
MTMT_INLINE uint32_t hash(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x21f0aaadu;
  x = (x ^ (x >> 15)) * 0x735a2d97u;
  return x ^ (x >> 15);
}
MTMT_INLINE Words counted(uint32_t first) { return Words{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + first; }

/** Dropout of one place in the model in one step. */
struct Mask {
  uint32_t key;
  uint32_t threshold;
  float scale;

  Mask(float rate, int32_t seed, int32_t site)
      : key(hash(uint32_t(seed) * 0x9e3779b1u + hash(uint32_t(site) + 0x7f4a7c15u))), threshold(uint32_t(double(rate) * 4294967295.0)), scale(rate > 0 ? 1 / (1 - rate) : 1) {}

  bool keeps_all() const { return threshold == 0; }
  /** Zero, or 1 / (1 - rate), for elements `first` and the fifteen that follow. */
  __attribute__((always_inline)) Floats at(uint32_t first) const { return hash(counted(first), key) >= threshold ? all(scale) : all(0.0f); }
};

}  // namespace mtmt
