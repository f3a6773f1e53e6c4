// y = norm(residual + dropout(x + bias)) * scale + shift, and its gradient; one pass over memory each.
#include "layer-norm.h"

#include <algorithm>
#include <cmath>

#include "op.h"
#include "pool.h"

namespace mtmt {
namespace {

struct Options {
  float epsilon;
  float rate;
  int32_t site;
  explicit Options(Attributes& attributes) : epsilon(attributes.real("epsilon")), rate(attributes.real("rate")), site(attributes.integer("site")) {}
};

/** z = residual + dropout(x + bias), for one row. */
template <typename T>
MTMT_INLINE Floats before_norm(const T* x, const float* bias, const float* residual, const Mask& mask, int64_t row, int64_t columns, int64_t column) {
  Floats added = load(x + row * columns + column) + load(bias + column);
  if (!mask.keeps_all()) added *= mask.at(uint32_t(row * columns + column));
  return added + load(residual + row * columns + column);
}

constexpr int64_t kRows = 8;

}  // namespace

template <typename T>
void add_norm(const T* x, const float* residual, const Norm& norm, const Mask& mask, int64_t rows, int64_t columns, float* y, T* half, float* stats) {
  expect_columns(columns);
  share((rows + kRows - 1) / kRows, [&](int64_t part) {
    std::vector<float> z(columns);
    const int64_t end = std::min(rows, (part + 1) * kRows);
    for (int64_t row = part * kRows; row < end; row++) {
      Floats total = all(0);
      for (int64_t c = 0; c < columns; c += kLanes) {
        const Floats v = before_norm(x, norm.bias, residual, mask, row, columns, c);
        store(&z[c], v);
        total += v;
      }
      const float mean = sum(total) / float(columns);
      Floats squares = all(0);
      for (int64_t c = 0; c < columns; c += kLanes) {
        const Floats centered = load(&z[c]) - mean;
        squares += centered * centered;
      }
      const float inverse = 1 / std::sqrt(sum(squares) / float(columns) + norm.epsilon);
      stats[2 * row] = mean;
      stats[2 * row + 1] = inverse;
      for (int64_t c = 0; c < columns; c += kLanes) {
        const Floats v = (load(&z[c]) - mean) * inverse * load(norm.scale + c) + load(norm.shift + c);
        store(y + row * columns + c, v);
        if (half != nullptr) store(half + row * columns + c, v);
      }
    }
  });
}
template void add_norm(const bfloat16*, const float*, const Norm&, const Mask&, int64_t, int64_t, float*, bfloat16*, float*);

namespace {

template <typename T>
class LayerNorm {
 public:
  explicit LayerNorm(Attributes& attributes) : options_(attributes) {}

  /** x [rows, columns], bias, residual, scale, shift, seed -> y float32, y as T, and mean and 1 / deviation of each row. */
  void compute(Context& context) {
    const Tensor x = context.input(0), bias = context.input(1), residual = context.input(2), scale = context.input(3), shift = context.input(4), seed = context.input(5);
    const int64_t columns = bias.size(), rows = x.size() / columns;
    const Tensor y = context.output(0, TF_FLOAT, {rows, columns});
    const bool is_half = type_of<T> != TF_FLOAT;
    if (!is_half) context.set_output(1, y);
    T* half = is_half ? context.output(1, type_of<T>, {rows, columns}).template data<T>() : nullptr;
    const Tensor stats = context.output(2, TF_FLOAT, {rows, 2});
    const Mask mask(options_.rate, *seed.data<int32_t>(), options_.site);
    const Norm norm{bias.data<float>(), scale.data<float>(), shift.data<float>(), options_.epsilon};
    add_norm(x.data<T>(), residual.data<float>(), norm, mask, rows, columns, y.data<float>(), half, stats.data<float>());
  }

 private:
  Options options_;
};

/** @tparam D type of the second part of the gradient */
template <typename T, typename D>
class LayerNormGrad {
 public:
  explicit LayerNormGrad(Attributes& attributes) : options_(attributes) {}

  /** Gradient in two parts (the second may be empty), x, bias, residual, scale, stats, seed -> gradients of x as T, bias, residual, scale, shift. */
  void compute(Context& context) {
    const Tensor dy = context.input(0), dy2 = context.input(1), x = context.input(2), bias = context.input(3), residual = context.input(4), scale = context.input(5), stats = context.input(6), seed = context.input(7);
    const int64_t columns = bias.size(), rows = x.size() / columns;
    expect_columns(columns);
    const Tensor dx = context.output(0, type_of<T>, {rows, columns}), dresidual = context.output(2, TF_FLOAT, {rows, columns});
    const Tensor dbias = context.output(1, TF_FLOAT, {columns}), dscale = context.output(3, TF_FLOAT, {columns}), dshift = context.output(4, TF_FLOAT, {columns});
    const Mask mask(options_.rate, *seed.data<int32_t>(), options_.site);
    const bool has_second = dy2.size() > 0;
    std::vector<float> parts(kParts * 3 * columns);
    share(kParts, [&](int64_t part) {
      float* const of_bias = &parts[part * 3 * columns];
      float *const of_scale = of_bias + columns, *const of_shift = of_scale + columns;
      std::vector<float> buffer(2 * columns);
      float *const normal = buffer.data(), *const gradient = normal + columns;
      for (int64_t row = part * rows / kParts; row < (part + 1) * rows / kParts; row++) {
        const float mean = stats.data<float>()[2 * row], inverse = stats.data<float>()[2 * row + 1];
        Floats total = all(0), along = all(0);
        for (int64_t c = 0; c < columns; c += kLanes) {
          Floats g = load(dy.data<float>() + row * columns + c);
          if (has_second) g += load(dy2.data<D>() + row * columns + c);
          const Floats n = (before_norm(x.data<T>(), bias.data<float>(), residual.data<float>(), mask, row, columns, c) - mean) * inverse;
          store(of_scale + c, load(of_scale + c) + g * n);
          store(of_shift + c, load(of_shift + c) + g);
          const Floats scaled = g * load(scale.data<float>() + c);
          store(normal + c, n);
          store(gradient + c, scaled);
          total += scaled;
          along += scaled * n;
        }
        const float mean_gradient = sum(total) / float(columns), mean_along = sum(along) / float(columns);
        for (int64_t c = 0; c < columns; c += kLanes) {
          const Floats dz = (load(gradient + c) - mean_gradient - load(normal + c) * mean_along) * inverse;
          store(dresidual.data<float>() + row * columns + c, dz);
          const Floats added = mask.keeps_all() ? dz : dz * mask.at(uint32_t(row * columns + c));
          store(dx.data<T>() + row * columns + c, added);
          store(of_bias + c, load(of_bias + c) + added);
        }
      }
    });
    for (int64_t c = 0; c < columns; c += kLanes) {
      Floats totals[3] = {};
      for (int64_t part = 0; part < kParts; part++)
        for (int of = 0; of < 3; of++) totals[of] += load(&parts[(part * 3 + of) * columns + c]);
      store(dbias.data<float>() + c, totals[0]);
      store(dscale.data<float>() + c, totals[1]);
      store(dshift.data<float>() + c, totals[2]);
    }
  }

 private:
  Options options_;
};

}  // namespace

void register_layer_norm() {
  register_op({"MtmtLayerNorm",
               {"x: T", "bias: float", "residual: float", "scale: float", "shift: float", "seed: int32"},
               {"y: float", "half: T", "stats: float"},
               {"T: {float, bfloat16}", "epsilon: float", "rate: float", "site: int"}});
  register_op({"MtmtLayerNormGrad",
               {"dy: float", "dy2: D", "x: T", "bias: float", "residual: float", "scale: float", "stats: float", "seed: int32"},
               {"dx: T", "dbias: float", "dresidual: float", "dscale: float", "dshift: float"},
               {"T: {float, bfloat16}", "D: {float, bfloat16}", "epsilon: float", "rate: float", "site: int"}});
  register_kernel<LayerNorm<float>>("MtmtLayerNorm", {{"T", TF_FLOAT}});
  register_kernel<LayerNorm<bfloat16>>("MtmtLayerNorm", {{"T", TF_BFLOAT16}});
  register_kernel<LayerNormGrad<float, float>>("MtmtLayerNormGrad", {{"T", TF_FLOAT}, {"D", TF_FLOAT}});
  register_kernel<LayerNormGrad<float, bfloat16>>("MtmtLayerNormGrad", {{"T", TF_FLOAT}, {"D", TF_BFLOAT16}});
  register_kernel<LayerNormGrad<bfloat16, float>>("MtmtLayerNormGrad", {{"T", TF_BFLOAT16}, {"D", TF_FLOAT}});
  register_kernel<LayerNormGrad<bfloat16, bfloat16>>("MtmtLayerNormGrad", {{"T", TF_BFLOAT16}, {"D", TF_BFLOAT16}});
}

}  // namespace mtmt
