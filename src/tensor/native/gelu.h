// gelu(x + bias) as a function of memory, for ops that do more besides.
#pragma once
#include "simd.h"

namespace mtmt {

/** y = gelu(x + bias); x, y [rows, columns], which may be the same, bias [columns]. @throws std::runtime_error where the columns are no multiple of 16 */
template <typename T>
void bias_gelu(const T* x, const float* bias, int64_t rows, int64_t columns, T* y);

}  // namespace mtmt
