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

/** Two rows of depth at a time, side by side: `[16 pairs][16 columns]` of depth x columns that are stored so. Zero outside of the matrix. */
MTMT_INLINE void pair_up(const bfloat16* data, int64_t stride, int64_t depth, int64_t columns, __m512i pairs[16]) {
  const __mmask16 mask = first(columns);
  for (int64_t r = 0; r < 16; r++) {
    const bfloat16* const row = data + 2 * r * stride;
    const __m256i low = _mm256_maskz_loadu_epi16(2 * r < depth ? mask : 0, row);
    const __m256i high = _mm256_maskz_loadu_epi16(2 * r + 1 < depth ? mask : 0, row + stride);
    pairs[r] = _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
  }
}

/** Sixteen rows of 32 in depth, as they are stored. */
MTMT_INLINE void take_rows(const bfloat16* data, int64_t stride, int64_t count, int64_t depth, __m512i rows[16]) {
  const __mmask32 mask = first_half(depth);
  for (int64_t r = 0; r < 16; r++) rows[r] = _mm512_maskz_loadu_epi16(r < count ? mask : 0, data + r * stride);
}

MTMT_INLINE void put_tile(const __m512i rows[16], char* to) {
  for (int r = 0; r < 16; r++) _mm512_store_si512(to + 64 * r, rows[r]);
}

/** A tile of the left side: rows from `row`, depth from `depth`. */
inline void left_tile(const Matrix& a, int64_t row, int64_t depth, char* to) {
  __m512i rows[16];
  if (a.is_transposed) {
    pair_up(a.data + depth * a.stride + row, a.stride, a.columns - depth, a.rows - row, rows);
    transpose(rows);
  } else {
    take_rows(a.data + row * a.stride + depth, a.stride, a.rows - row, a.columns - depth, rows);
  }
  put_tile(rows, to);
}

/** A tile of the right side: depth from `depth`, columns from `column`. */
inline void right_tile(const Matrix& b, int64_t depth, int64_t column, char* to) {
  __m512i rows[16];
  if (b.is_transposed) {
    take_rows(b.data + column * b.stride + depth, b.stride, b.columns - column, b.rows - depth, rows);
    transpose(rows);
  } else {
    pair_up(b.data + depth * b.stride + column, b.stride, b.rows - depth, b.columns - column, rows);
  }
  put_tile(rows, to);
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

/** Where the tiles of 32 rows of the left side are. */
struct Rows {
  const char *upper, *lower;
  int64_t stride, step;
};

}  // namespace mtmt
