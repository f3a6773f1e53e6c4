// 32 x 32 sums of products of bfloat16 pairs, by the processor's matrix tiles (AMX) or by its vectors (AVX-512 BF16).
#pragma once
#include "panels.h"

namespace mtmt {

/** Eight rows by two vectors of columns at a time fill half of the registers; their sums never leave them, however deep the product. */
class Vectors {
 public:
  /** A pair of depth is all that it reads of a row at a time. */
  static constexpr bool kTakesPairs = true;
  /** Up to so many rows, the weights are read where they are, and the few rows are brought into another form instead: 11.8 ms, not 12.9, for the products of 256 rows. */
  static constexpr int64_t kFewRows = 512;

  /** @param b a panel of the right side @param steps of 32 in depth @param out `[32][32]` */
  MTMT_INLINE_MEMBER void multiply(const Rows& a, const char* b, int64_t steps, float* out) const {
    for (int64_t row = 0; row < kBlock; row += kHeld) eight((row < kSide ? a.upper : a.lower) + row % kSide * a.stride, a, b, steps, out + row * kBlock);
  }

 private:
  static constexpr int64_t kHeld = 8, kPairs = kDepth / 2;

  MTMT_INLINE_MEMBER static void eight(const char* rows, const Rows& a, const char* b, int64_t steps, float* out) {
    __m512 left[kHeld], right[kHeld];
    for (int64_t row = 0; row < kHeld; row++) left[row] = right[row] = _mm512_setzero_ps();
    for (int64_t k = 0; k < steps; k++, rows += a.step, b += 2 * kTileBytes) {
      // the next eight rows: as many short streams of memory, which the processor does not foresee (products of one sentence took 2.8 ms without, and 1.9 with)
      for (int64_t row = kHeld; a.is_new && row < 2 * kHeld; row++) _mm_prefetch(rows + row * a.stride, _MM_HINT_T0);
      for (int64_t pair = 0; pair < kPairs; pair++) {
        const __m512bh first = (__m512bh)_mm512_load_si512(b + pair * 64), second = (__m512bh)_mm512_load_si512(b + kTileBytes + pair * 64);
        for (int64_t row = 0; row < kHeld; row++) {
          int32_t both;
          memcpy(&both, rows + row * a.stride + pair * a.pair, sizeof both);
          const __m512bh all = (__m512bh)_mm512_set1_epi32(both);
          left[row] = _mm512_dpbf16_ps(left[row], first, all);
          right[row] = _mm512_dpbf16_ps(right[row], second, all);
        }
      }
    }
    for (int64_t row = 0; row < kHeld; row++) {
      _mm512_store_ps(out + row * kBlock, left[row]);
      _mm512_store_ps(out + row * kBlock + kSide, right[row]);
    }
  }
};

#if defined(__AMX_TILE__) && defined(__AMX_BF16__)
/** Tile registers are a thread's own, and oneDNN uses them too. */
class Tiles {
 public:
  static constexpr bool kTakesPairs = false;
  static constexpr int64_t kFewRows = 128;

  Tiles() {
    struct alignas(64) {
      uint8_t palette = 1, start = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    for (int tile = 0; tile < 8; tile++) {
      config.row_bytes[tile] = 64;
      config.rows[tile] = 16;
    }
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }

  MTMT_INLINE_MEMBER void multiply(const Rows& a, const char* b, int64_t steps, float* out) const {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t k = 0; k < steps; k++) {
      _tile_loadd(4, a.upper + k * a.step, a.stride);
      _tile_loadd(6, b + k * 2 * kTileBytes, 64);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(7, b + k * 2 * kTileBytes + kTileBytes, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(5, a.lower + k * a.step, a.stride);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, out, 128);
    _tile_stored(1, out + 16, 128);
    _tile_stored(2, out + 16 * 32, 128);
    _tile_stored(3, out + 16 * 32 + 16, 128);
  }
};
#endif

}  // namespace mtmt
