// How both sides of a product of bfloat16 matrices lie in memory while it is computed: tiles, for matrix tiles (AMX) and vectors (AVX-512) alike.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <cstdlib>

#include "simd.h"

namespace mtmt {

// A tile of the left side: 16 rows of 32 in depth. One of the right side: 16 columns of 32 in depth, pairs of depth side by side.
constexpr int64_t kSide = 16, kDepth = 32, kTileBytes = 1024, kBlock = 2 * kSide;

inline int64_t parts_of(int64_t size, int64_t part) { return (size + part - 1) / part; }

/** A matrix in memory: element (i, j) is at `data[i * stride + j]`, or at `data[j * stride + i]` if transposed. */
struct Matrix {
  const bfloat16* data;
  int64_t rows, columns, stride;
  bool is_transposed;
};

MTMT_INLINE __mmask16 first(int64_t count) { return count >= 16 ? __mmask16(0xffff) : count <= 0 ? __mmask16(0) : __mmask16((1u << count) - 1); }
MTMT_INLINE __mmask32 first_half(int64_t count) { return count >= 32 ? __mmask32(0xffffffff) : count <= 0 ? __mmask32(0) : __mmask32((1u << count) - 1); }

/** Columns become rows, of 32 bits each. */
MTMT_INLINE void transpose(__m512i rows[16]) {
  __m512i a[16], b[16];
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
    b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
    b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
    b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  for (int i = 0; i < 4; i++) {
    a[i] = _mm512_shuffle_i32x4(b[i], b[i + 4], 0x88);
    a[i + 4] = _mm512_shuffle_i32x4(b[i], b[i + 4], 0xdd);
    a[i + 8] = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0x88);
    a[i + 12] = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0xdd);
  }
  for (int i = 0; i < 8; i++) {
    rows[i] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0x88);
    rows[i + 8] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0xdd);
  }
}

/**
 * Lines of memory asked for before they are read: those of the panel after next, since two threads take panels in turn. A panel is a column of
 * short pieces of rows, which the processor does not foresee: packing mBERT's matrices took nearly twice as long without (AMD Zen 5).
 */
constexpr int64_t kAhead = 2 * kBlock;

/** Two tiles, `[16 pairs][16 columns]` each, of depth x columns that are stored so: rows 2 r and 2 r + 1 side by side. Zero outside of the matrix. */
MTMT_INLINE void pair_up(const bfloat16* data, int64_t stride, int64_t depth, int64_t columns, char* to) {
  const __m512i counted = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  // 0, 32, 1, 33, ...: an element of the one row, an element of the other
  const __m512i first_tile = _mm512_or_si512(counted, _mm512_slli_epi32(_mm512_add_epi32(counted, _mm512_set1_epi32(32)), 16));
  const __m512i second_tile = _mm512_add_epi16(first_tile, _mm512_set1_epi16(16));
  const __mmask32 mask = first_half(columns);
  for (int64_t pair = 0; pair < kDepth / 2; pair++) {
    const bfloat16 *const even = data + 2 * pair * stride, *const odd = even + stride;
    _mm_prefetch(even + kAhead, _MM_HINT_T1);
    _mm_prefetch(odd + kAhead, _MM_HINT_T1);
    const __m512i a = _mm512_maskz_loadu_epi16(2 * pair < depth ? mask : 0, even), b = _mm512_maskz_loadu_epi16(2 * pair + 1 < depth ? mask : 0, odd);
    _mm512_store_si512(to + pair * 64, _mm512_permutex2var_epi16(a, first_tile, b));
    _mm512_store_si512(to + kTileBytes + pair * 64, _mm512_permutex2var_epi16(a, second_tile, b));
  }
}

/** Sixteen rows of 32 in depth, as they are stored. */
MTMT_INLINE void take_rows(const bfloat16* data, int64_t stride, int64_t count, int64_t depth, __m512i rows[16]) {
  const __mmask32 mask = first_half(depth);
  for (int64_t r = 0; r < 16; r++) {
    _mm_prefetch(data + (r + kAhead) * stride, _MM_HINT_T1);
    rows[r] = _mm512_maskz_loadu_epi16(r < count ? mask : 0, data + r * stride);
  }
}

MTMT_INLINE void put_tile(const __m512i rows[16], char* to) {
  for (int r = 0; r < 16; r++) _mm512_store_si512(to + 64 * r, rows[r]);
}

MTMT_INLINE void turn_tile(char* tile) {
  __m512i rows[16];
  for (int r = 0; r < 16; r++) rows[r] = _mm512_load_si512(tile + 64 * r);
  transpose(rows);
  put_tile(rows, tile);
}

/** Two tiles of the left side, one below the other. @tparam is_in_pairs whether a matrix that is stored transposed is left in pairs of depth, as the right side is */
template <bool is_in_pairs>
inline void left_tiles(const Matrix& a, int64_t row, int64_t depth, char* to) {
  if (a.is_transposed) {
    pair_up(a.data + depth * a.stride + row, a.stride, a.columns - depth, a.rows - row, to);
    if (!is_in_pairs) {
      turn_tile(to);
      turn_tile(to + kTileBytes);
    }
    return;
  }
  for (int64_t i = row; i < row + kBlock; i += kSide, to += kTileBytes) {
    __m512i rows[16];
    take_rows(a.data + i * a.stride + depth, a.stride, a.rows - i, a.columns - depth, rows);
    put_tile(rows, to);
  }
}

/** Two tiles of the right side, side by side. */
inline void right_tiles(const Matrix& b, int64_t depth, int64_t column, char* to) {
  if (!b.is_transposed) {
    pair_up(b.data + depth * b.stride + column, b.stride, b.rows - depth, b.columns - column, to);
    return;
  }
  for (int64_t j = column; j < column + kBlock; j += kSide, to += kTileBytes) {
    __m512i rows[16];
    take_rows(b.data + j * b.stride + depth, b.stride, b.columns - j, b.rows - depth, rows);
    transpose(rows);
    put_tile(rows, to);
  }
}

/** Memory that tiles are loaded from; not set to zero. */
class Panels {
 public:
  explicit Panels(int64_t bytes) : memory_(static_cast<char*>(aligned_alloc(64, std::max<int64_t>(bytes, 64)))) {}
  ~Panels() { free(memory_); }
  Panels(const Panels&) = delete;
  char* at(int64_t offset) const { return memory_ + offset; }

 private:
  char* memory_;
};

/** Where the tiles of 32 rows of the left side are. Bytes from a row to the next, from a pair of depth to the next, and from 32 of depth to the next. */
struct Rows {
  const char *upper, *lower;
  int64_t stride, pair, step;
  /** Whether they are read for the first time, from memory: weights, where they are. */
  bool is_new = false;
};

}  // namespace mtmt
