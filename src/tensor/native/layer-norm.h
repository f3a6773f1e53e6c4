// norm(residual + dropout(x + bias)) * scale + shift as a function of memory, for ops that do more besides.
#pragma once
#include "simd.h"

namespace mtmt {

struct Norm {
  /** [columns] each */
  const float *bias, *scale, *shift;
  float epsilon;
};

/** x, residual, y [rows, columns], stats [rows, 2]: mean and 1 / deviation. @param half y as T; null: not wanted @throws std::runtime_error where the columns are no multiple of 16 */
template <typename T>
void add_norm(const T* x, const float* residual, const Norm& norm, const Mask& mask, int64_t rows, int64_t columns, float* y, T* half, float* stats);

}  // namespace mtmt
