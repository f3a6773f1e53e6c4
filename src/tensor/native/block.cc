// A whole block of a transformer, where nothing is trained: eight ops and the reading of their sixteen weights as one. Of a single sentence's 3.2 ms
// TensorFlow's executor took 0.7, with some thirty nodes for each of twelve layers.
#include <algorithm>
#include <memory>

#include "attention.h"
#include "gelu.h"
#include "layer-norm.h"
#include "op.h"
#include "product.h"

namespace mtmt {
namespace {

/** The vectors of a block, one behind the other. */
struct Joined {
  const float* next;
  const float* take(int64_t size) {
    const float* const found = next;
    next += size;
    return found;
  }
  Norm norm(int64_t hidden, float epsilon) { return {take(hidden), take(hidden), take(hidden), epsilon}; }
};

/**
 * Memory between the kernels of a block, which each thread that starts ops keeps, as large as its largest block needed. Allocated for each block it
 * left the heap of a tagger under load in pieces: 3.5 % more memory after 20 minutes.
 */
template <typename T>
class Kept {
 public:
  /** What was there before may be lost. */
  T* of(int64_t count) {
    if (count > count_) {
      count_ = 0;
      memory_.reset();
      memory_.reset(new T[count]);
      count_ = count;
    }
    return memory_.get();
  }

 private:
  std::unique_ptr<T[]> memory_;
  int64_t count_ = 0;
};

class Block {
 public:
  explicit Block(Attributes& attributes) : heads_(attributes.integer("heads")), epsilon_(attributes.real("epsilon")) {}

  /**
   * x [n, hidden] as bfloat16 and float32, matrices of queries, keys and values [3 hidden, hidden], output [hidden, hidden], up [wide, hidden] and down [hidden, wide],
   * vectors: bias of queries, keys and values; bias, scale and shift of attention's norm; bias of up; bias, scale and shift of the last norm;
   * segments [rows, length] -> y [n, hidden] as float32 and bfloat16
   */
  void compute(Context& context) {
    const Tensor x = context.input(0), residual = context.input(1), qkv = context.input(2), output = context.input(3), up = context.input(4), down = context.input(5);
    const Tensor vectors = context.input(6), segments = context.input(7);
    const int64_t hidden = x.dim(1), rows = x.dim(0), wide = up.dim(0);
    const AttentionShape shape = attention_shape(segments, hidden, heads_);
    expect("queries, keys and values", qkv, 3 * hidden * hidden);
    expect("output", output, hidden * hidden);
    expect("up", up, wide * hidden);
    expect("down", down, hidden * wide);
    expect("vectors", vectors, 9 * hidden + wide);
    expect("residual", residual, rows * hidden);
    expect("segments", segments, rows);
    Joined all{vectors.data<float>()};
    const float* const qkv_bias = all.take(3 * hidden);
    const Norm middle_norm = all.norm(hidden, epsilon_);
    const float* const up_bias = all.take(wide);
    const Norm last_norm = all.norm(hidden, epsilon_);
    const Mask none(0, 0, 0);

    static thread_local Kept<bfloat16> kept_a, kept_b, kept_half;
    static thread_local Kept<float> kept_middle, kept_stats;
    bfloat16 *const a = kept_a.of(rows * std::max(3 * hidden, wide)), *const b = kept_b.of(rows * hidden), *const half = kept_half.of(rows * hidden);
    float *const middle = kept_middle.of(rows * hidden), *const stats = kept_stats.of(rows * std::max<int64_t>(2, heads_));
    linear(x.data<bfloat16>(), rows, hidden, qkv.data<bfloat16>(), 3 * hidden, a);
    attend(a, qkv_bias, segments.data<int32_t>(), shape, none, b, stats);
    linear(b, rows, hidden, output.data<bfloat16>(), hidden, a);
    add_norm(a, residual.data<float>(), middle_norm, none, rows, hidden, middle, half, stats);
    linear(half, rows, hidden, up.data<bfloat16>(), wide, a);
    bias_gelu(a, up_bias, rows, wide, a);
    linear(a, rows, wide, down.data<bfloat16>(), hidden, b);
    const Tensor y = context.output(0, TF_FLOAT, {rows, hidden}), y_half = context.output(1, TF_BFLOAT16, {rows, hidden});
    add_norm(b, middle, last_norm, none, rows, hidden, y.data<float>(), y_half.data<bfloat16>(), stats);
  }

 private:
  static void expect(const char* what, const Tensor& tensor, int64_t size) {
    if (tensor.size() != size) throw std::runtime_error(std::string(what) + " has " + std::to_string(tensor.size()) + " elements, not " + std::to_string(size));
  }
  int32_t heads_;
  float epsilon_;
};

}  // namespace

void register_block() {
  register_op({"MtmtBlock",
               {"x: bfloat16", "residual: float", "qkv: bfloat16", "output: bfloat16", "up: bfloat16", "down: bfloat16", "vectors: float", "segments: int32"},
               {"y: float", "half: bfloat16"},
               {"heads: int", "epsilon: float"}});
  register_kernel<Block>("MtmtBlock", {});
}

}  // namespace mtmt
