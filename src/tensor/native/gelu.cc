// gelu(x + bias), the exact (erf) one, and its gradient.
#include "gelu.h"

#include <algorithm>

#include "op.h"
#include "pool.h"

namespace mtmt {
namespace {

constexpr int64_t kRows = 16;

struct Gelu {
  /** P(X <= x) of the normal distribution, and its density. */
  Floats cdf, density;
};

/** erf within 1.5e-7 (Abramowitz and Stegun 7.1.26); its exponential is that of the density, too. */
MTMT_INLINE Gelu gelu_at(Floats x) {
  const Floats z = (x < all(0.0f) ? -x : x) * 0.70710678118654752f;
  const Floats bell = exponential(-z * z);
  const Floats t = 1.0f / (z * 0.3275911f + 1.0f);
  Floats p = all(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Floats tail = p * t * bell * 0.5f;
  return {x < all(0.0f) ? tail : 1.0f - tail, bell * 0.39894228040143268f};
}

}  // namespace

template <typename T>
void bias_gelu(const T* x, const float* bias, int64_t rows, int64_t columns, T* y) {
  expect_columns(columns);
  share((rows + kRows - 1) / kRows, [&](int64_t part) {
    for (int64_t row = part * kRows; row < std::min(rows, (part + 1) * kRows); row++) {
      for (int64_t c = 0; c < columns; c += kLanes) {
        const Floats v = load(x + row * columns + c) + load(bias + c);
        store(y + row * columns + c, v * gelu_at(v).cdf);
      }
    }
  });
}
template void bias_gelu(const bfloat16*, const float*, int64_t, int64_t, bfloat16*);

namespace {

template <typename T>
class BiasGelu {
 public:
  explicit BiasGelu(Attributes&) {}
  void compute(Context& context) {
    const Tensor x = context.input(0), bias = context.input(1);
    const int64_t columns = bias.size(), rows = x.size() / columns;
    const Tensor y = context.output(0, type_of<T>, {rows, columns});
    bias_gelu(x.data<T>(), bias.data<float>(), rows, columns, y.data<T>());
  }
};

template <typename T>
class BiasGeluGrad {
 public:
  explicit BiasGeluGrad(Attributes&) {}
  /** dy, x, bias -> gradients of x and bias */
  void compute(Context& context) {
    const Tensor dy = context.input(0), x = context.input(1), bias = context.input(2);
    const int64_t columns = bias.size(), rows = x.size() / columns;
    expect_columns(columns);
    const Tensor dx = context.output(0, type_of<T>, {rows, columns}), dbias = context.output(1, TF_FLOAT, {columns});
    std::vector<float> parts(kParts * columns);
    share(kParts, [&](int64_t part) {
      float* const of_bias = &parts[part * columns];
      for (int64_t row = part * rows / kParts; row < (part + 1) * rows / kParts; row++) {
        for (int64_t c = 0; c < columns; c += kLanes) {
          const Floats v = load(x.data<T>() + row * columns + c) + load(bias.data<float>() + c);
          const Gelu at = gelu_at(v);
          const Floats g = load(dy.data<T>() + row * columns + c) * (at.cdf + v * at.density);
          store(dx.data<T>() + row * columns + c, g);
          store(of_bias + c, load(of_bias + c) + g);
        }
      }
    });
    for (int64_t c = 0; c < columns; c += kLanes) {
      Floats total = all(0);
      for (int64_t part = 0; part < kParts; part++) total += load(&parts[part * columns + c]);
      store(dbias.data<float>() + c, total);
    }
  }
};

}  // namespace

void register_gelu() {
  register_op({"MtmtBiasGelu", {"x: T", "bias: float"}, {"y: T"}, {"T: {float, bfloat16}"}});
  register_op({"MtmtBiasGeluGrad", {"dy: T", "x: T", "bias: float"}, {"dx: T", "dbias: float"}, {"T: {float, bfloat16}"}});
  register_kernel<BiasGelu<float>>("MtmtBiasGelu", {{"T", TF_FLOAT}});
  register_kernel<BiasGelu<bfloat16>>("MtmtBiasGelu", {{"T", TF_BFLOAT16}});
  register_kernel<BiasGeluGrad<float>>("MtmtBiasGeluGrad", {{"T", TF_FLOAT}});
  register_kernel<BiasGeluGrad<bfloat16>>("MtmtBiasGeluGrad", {{"T", TF_BFLOAT16}});
}

}  // namespace mtmt
