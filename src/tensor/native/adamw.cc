// One step of AdamW on one variable, clipped, and the sum of squares that clipping needs: one pass over memory each.
#include <algorithm>
#include <cmath>

#include "op.h"
#include "pool.h"

namespace mtmt {
namespace {

constexpr int64_t kBlock = 1 << 14;
constexpr float kBeta1 = 0.9f, kBeta2 = 0.999f;

/**
 * Equal to torch.optim.AdamW; gradients are multiplied with `clip` first. What ReadVariableOp gives is the variable's own memory, which is
 * changed in place, as TensorFlow's optimizers do: its C library does not export TF_GetInputTensorFromVariable, which would say so.
 */
template <typename T>
class AdamW {
 public:
  explicit AdamW(Attributes& attributes) : decay_(attributes.real("decay")) {}

  /**
   * variable, m, v as read from variables, gradient, clip, rate, and what corrects the bias of young averages, computed in double precision:
   * sqrt(1 - beta2 ^ step) / (1 - beta1 ^ step), and epsilon sqrt(1 - beta2 ^ step)
   */
  void compute(Context& context) {
    const Tensor weight = context.input(0), m = context.input(1), v = context.input(2), gradient = context.input(3);
    auto scalar = [&](int index) { return *context.input(index).data<float>(); };
    const float clip = scalar(4), rate = scalar(5), correction = scalar(6), least = scalar(7);
    const int64_t size = weight.size();
    if (gradient.size() != size || m.size() != size || v.size() != size) throw std::runtime_error("gradient and variable differ in size");
    const float step = rate * correction, keep = 1 - rate * decay_;
    share((size + kBlock - 1) / kBlock, [&](int64_t part) {
      const int64_t end = std::min(size, (part + 1) * kBlock);
      int64_t i = part * kBlock;
      float *const w = weight.data<float>(), *const m1 = m.data<float>(), *const m2 = v.data<float>();
      const T* const g = gradient.data<T>();
      for (; i + kLanes <= end; i += kLanes) {
        const Floats clipped = load(g + i) * clip;
        const Floats first = load(m1 + i) * kBeta1 + clipped * (1 - kBeta1);
        const Floats second = load(m2 + i) * kBeta2 + clipped * clipped * (1 - kBeta2);
        store(m1 + i, first);
        store(m2 + i, second);
        store(w + i, load(w + i) * keep - first * step / (root_of(second) + least));
      }
      for (; i < end; i++) {
        const float clipped = value(g + i) * clip;
        m1[i] = m1[i] * kBeta1 + clipped * (1 - kBeta1);
        m2[i] = m2[i] * kBeta2 + clipped * clipped * (1 - kBeta2);
        w[i] = w[i] * keep - m1[i] * step / (std::sqrt(m2[i]) + least);
      }
    });
  }

 private:
  MTMT_INLINE Floats root_of(Floats x) {
    Floats root;
    for (int lane = 0; lane < kLanes; lane++) root[lane] = std::sqrt(x[lane]);
    return root;
  }
  float decay_;
};

template <typename T>
class SquareSum {
 public:
  explicit SquareSum(Attributes&) {}
  void compute(Context& context) {
    const Tensor x = context.input(0);
    const int64_t size = x.size(), parts = (size + kBlock - 1) / kBlock;
    std::vector<float> totals(parts);
    share(parts, [&](int64_t part) {
      const int64_t end = std::min(size, (part + 1) * kBlock);
      int64_t i = part * kBlock;
      Floats total = all(0);
      for (; i + kLanes <= end; i += kLanes) {
        const Floats v = load(x.data<T>() + i);
        total += v * v;
      }
      float rest = 0;
      for (; i < end; i++) rest += value(x.data<T>() + i) * value(x.data<T>() + i);
      totals[part] = sum(total) + rest;
    });
    double all_of_it = 0;
    for (float total : totals) all_of_it += total;
    *context.output(0, TF_FLOAT, {}).data<float>() = float(all_of_it);
  }
};

}  // namespace

void register_adamw() {
  register_op({"MtmtAdamW",
               {"variable: float", "m: float", "v: float", "gradient: T", "clip: float", "rate: float", "correction: float", "least: float"},
               {},
               {"T: {float, bfloat16}", "decay: float"},
               true});
  register_op({"MtmtSquareSum", {"x: T"}, {"total: float"}, {"T: {float, bfloat16}"}});
  register_kernel<AdamW<float>>("MtmtAdamW", {{"T", TF_FLOAT}});
  register_kernel<AdamW<bfloat16>>("MtmtAdamW", {{"T", TF_BFLOAT16}});
  register_kernel<SquareSum<float>>("MtmtSquareSum", {{"T", TF_FLOAT}});
  register_kernel<SquareSum<bfloat16>>("MtmtSquareSum", {{"T", TF_BFLOAT16}});
}

}  // namespace mtmt
