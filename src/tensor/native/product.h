#pragma once
#include "simd.h"

namespace mtmt {

/** @return what multiplies: "tiles" (AMX) or "vectors" (AVX-512 BF16); "" where this processor has neither, and nothing is registered */
const char* register_product();

/** out = x w^T: x [rows, depth], w [columns, depth]. Only where something multiplies. */
void linear(const bfloat16* x, int64_t rows, int64_t depth, const bfloat16* w, int64_t columns, bfloat16* out);

}  // namespace mtmt
