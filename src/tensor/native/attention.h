// Multi-head self-attention as a function of memory, for ops that do more besides.
#pragma once
#include <cmath>

#include "op.h"

namespace mtmt {

struct AttentionShape {
  int64_t rows, length, heads, width;
  int64_t hidden() const { return heads * width; }
  int64_t padded_width() const { return (width + kLanes - 1) / kLanes * kLanes; }
  int64_t padded_length() const { return (length + 2 * kLanes - 1) / (2 * kLanes) * (2 * kLanes); }
  float scale() const { return 1 / std::sqrt(float(width)); }
};

/** @param segments [rows, length] @throws std::runtime_error where the heads do not divide the hidden size */
AttentionShape attention_shape(const Tensor& segments, int64_t hidden, int heads);

/** @param qkv [rows * length, 3 * hidden] @param bias [3 * hidden] @param segments [rows, length] @param out [rows * length, hidden] @param lse [rows, heads, length], log of the sums of exponentials */
template <typename T>
void attend(const T* qkv, const float* bias, const int32_t* segments, const AttentionShape& shape, const Mask& mask, T* out, float* lse);

}  // namespace mtmt
