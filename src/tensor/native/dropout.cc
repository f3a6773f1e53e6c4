// Dropout of any tensor; its gradient is the same op on the gradient.
#include <algorithm>

#include "op.h"
#include "pool.h"

namespace mtmt {
namespace {

constexpr int64_t kBlock = 1 << 14;

class Dropout {
 public:
  explicit Dropout(Attributes& attributes) : rate_(attributes.real("rate")), site_(attributes.integer("site")) {}
  void compute(Context& context) {
    const Tensor x = context.input(0), seed = context.input(1);
    const Tensor y = context.output(0, TF_FLOAT, x.shape());
    const Mask mask(rate_, *seed.data<int32_t>(), site_);
    const int64_t size = x.size();
    share((size + kBlock - 1) / kBlock, [&](int64_t part) {
      const int64_t end = std::min(size, (part + 1) * kBlock);
      int64_t i = part * kBlock;
      for (; i + kLanes <= end; i += kLanes) store(y.data<float>() + i, load(x.data<float>() + i) * mask.at(uint32_t(i)));
      const Floats last = mask.at(uint32_t(i));
      for (int64_t at = i; at < end; at++) y.data<float>()[at] = x.data<float>()[at] * last[at - i];
    });
  }

 private:
  float rate_;
  int32_t site_;
};

}  // namespace

void register_dropout() {
  register_op({"MtmtDropout", {"x: float", "seed: int32"}, {"y: float"}, {"rate: float", "site: int"}});
  register_kernel<Dropout>("MtmtDropout", {});
}

}  // namespace mtmt
