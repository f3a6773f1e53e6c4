// Products of bfloat16 matrices by the processor's matrix tiles (AMX), of any of the layouts that a linear layer and its gradients need.
// oneDNN's, which TensorFlow calls, reaches a fifth of the speed on them: it copies transposed operands with little of the processor.
#include "product.h"

#include <algorithm>
#include <cstdlib>

#include "op.h"
#include "pool.h"

#if defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mtmt {
namespace {

// A tile of the left side: 16 rows of 32 in depth. One of the right side: 16 columns of 32 in depth, pairs of depth side by side.
constexpr int64_t kSide = 16, kDepth = 32, kTileBytes = 1024, kBlock = 2 * kSide;
/** Blocks of rows, and panels of columns, that one task computes: its part of both sides stays in the cache. */
constexpr int64_t kTaskBlocks = 4, kTaskPanels = 4;
/** Up to so many rows, the weights are read where they are, and the few rows are brought into another form instead. */
constexpr int64_t kFewRows = 128;

int64_t parts_of(int64_t size, int64_t part) { return (size + part - 1) / part; }

/** A matrix in memory: element (i, j) is at `data[i * stride + j]`, or at `data[j * stride + i]` if transposed. */
struct Matrix {
  const bfloat16* data;
  int64_t rows, columns, stride;
  bool is_transposed;
};

__mmask16 first(int64_t count) { return count >= 16 ? __mmask16(0xffff) : count <= 0 ? __mmask16(0) : __mmask16((1u << count) - 1); }
__mmask32 first_half(int64_t count) { return count >= 32 ? __mmask32(0xffffffff) : count <= 0 ? __mmask32(0) : __mmask32((1u << count) - 1); }

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
void left_tile(const Matrix& a, int64_t row, int64_t depth, char* to) {
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
void right_tile(const Matrix& b, int64_t depth, int64_t column, char* to) {
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

/** Tile registers are a thread's own, and oneDNN uses them too. */
class Tiles {
 public:
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
};

/** 32 x 32 sums of products. */
MTMT_INLINE void multiply(const Rows& a, const char* b, int64_t steps, float* out) {
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

MTMT_INLINE void put_halves(bfloat16* to, const float* from, int64_t count) {
  const __m512bh halves = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + 16), _mm512_loadu_ps(from));
  _mm512_mask_storeu_epi16(to, first_half(count), (__m512i)halves);
}

/** Writes a block of 32 x 32 where it belongs, turned over if `is_transposed`. */
MTMT_INLINE void put_block(float* sums, bfloat16* out, int64_t stride, int64_t row, int64_t rows, int64_t column, int64_t columns, bool is_transposed) {
  if (!is_transposed) {
    for (int64_t i = 0; i < std::min(rows - row, kBlock); i++) put_halves(out + (row + i) * stride + column, sums + i * kBlock, columns - column);
    return;
  }
  alignas(64) float turned[kBlock * kBlock];
  for (int part = 0; part < 4; part++) {
    const int64_t i = part / 2 * kSide, j = part % 2 * kSide;
    __m512i lines[16];
    for (int r = 0; r < 16; r++) lines[r] = _mm512_load_si512(sums + (i + r) * kBlock + j);
    transpose(lines);
    for (int r = 0; r < 16; r++) _mm512_store_si512(turned + (j + r) * kBlock + i, lines[r]);
  }
  for (int64_t j = 0; j < std::min(columns - column, kBlock); j++) put_halves(out + (column + j) * stride + row, turned + j * kBlock, rows - row);
}

/** out = a b, or its transpose. */
void compute(const Matrix& a, const Matrix& b, bfloat16* out, int64_t out_stride, bool is_out_transposed) {
  const int64_t steps = parts_of(a.columns, kDepth), blocks = parts_of(a.rows, kBlock), panels = parts_of(b.columns, kBlock);
  const int64_t panel_bytes = steps * 2 * kTileBytes;
  const bool is_direct = !a.is_transposed && a.columns % kDepth == 0;
  const Panels right(panels * panel_bytes);
  share(panels, [&](int64_t panel) {
    for (int64_t k = 0; k < steps; k++)
      for (int64_t half = 0; half < 2; half++) right_tile(b, k * kDepth, panel * kBlock + half * kSide, right.at(panel * panel_bytes + (2 * k + half) * kTileBytes));
  });
  const int64_t task_panels = parts_of(panels, kTaskPanels);
  share(parts_of(blocks, kTaskBlocks) * task_panels, [&](int64_t task) {
    const int64_t first_block = task / task_panels * kTaskBlocks, first_panel = task % task_panels * kTaskPanels;
    const int64_t own_blocks = std::min(kTaskBlocks, blocks - first_block);
    const Panels left(is_direct && (first_block + own_blocks) * kBlock <= a.rows ? 0 : own_blocks * panel_bytes);
    Rows rows[kTaskBlocks];
    for (int64_t i = 0; i < own_blocks; i++) {
      const int64_t row = (first_block + i) * kBlock;
      if (is_direct && row + kBlock <= a.rows) {
        const char* const at = reinterpret_cast<const char*>(a.data + row * a.stride);
        rows[i] = {at, at + kSide * a.stride * 2, a.stride * 2, 64};
        continue;
      }
      char* const to = left.at(i * panel_bytes);
      for (int64_t k = 0; k < steps; k++)
        for (int64_t half = 0; half < 2; half++) left_tile(a, row + half * kSide, k * kDepth, to + (2 * k + half) * kTileBytes);
      rows[i] = {to, to + kTileBytes, 64, 2 * kTileBytes};
    }
    const Tiles tiles;
    alignas(64) float sums[kBlock * kBlock];
    for (int64_t panel = first_panel; panel < std::min(panels, first_panel + kTaskPanels); panel++) {
      for (int64_t i = 0; i < own_blocks; i++) {
        multiply(rows[i], right.at(panel * panel_bytes), steps, sums);
        put_block(sums, out, out_stride, (first_block + i) * kBlock, a.rows, panel * kBlock, b.columns, is_out_transposed);
      }
    }
  });
}

class Product {
 public:
  explicit Product(Attributes& attributes) : is_a_transposed_(attributes.flag("transpose_a")), is_b_transposed_(attributes.flag("transpose_b")) {}

  /** a [m, k] (or [k, m]), b [k, n] (or [n, k]) -> [m, n] */
  void compute(Context& context) {
    const Tensor a = context.input(0), b = context.input(1);
    const int64_t m = a.dim(is_a_transposed_), k = a.dim(!is_a_transposed_), n = b.dim(!is_b_transposed_);
    if (b.dim(is_b_transposed_) != k) throw std::runtime_error("matrices of depth " + std::to_string(k) + " and " + std::to_string(b.dim(is_b_transposed_)));
    const Tensor out = context.output(0, TF_BFLOAT16, {m, n});
    const Matrix left{a.data<bfloat16>(), m, k, a.dim(1), is_a_transposed_}, right{b.data<bfloat16>(), k, n, b.dim(1), is_b_transposed_};
    if (m <= kFewRows && is_b_transposed_) {
      const Matrix weights{right.data, n, k, right.stride, false}, turned{left.data, k, m, left.stride, !is_a_transposed_};
      mtmt::compute(weights, turned, out.data<bfloat16>(), n, true);
    } else {
      mtmt::compute(left, right, out.data<bfloat16>(), n, false);
    }
  }

 private:
  bool is_a_transposed_, is_b_transposed_;
};

/** Linux gives a process the tiles only if it asks. */
bool are_tiles_allowed() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool register_product() {
  if (!are_tiles_allowed()) return false;
  register_op({"MtmtProduct", {"a: bfloat16", "b: bfloat16"}, {"product: bfloat16"}, {"transpose_a: bool", "transpose_b: bool"}});
  register_kernel<Product>("MtmtProduct", {});
  return true;
}

}  // namespace mtmt
#else
namespace mtmt {
bool register_product() { return false; }
}  // namespace mtmt
#endif
