#pragma once

namespace mtmt {

/** @return what multiplies: "tiles" (AMX) or "vectors" (AVX-512 BF16); "" where this processor has neither, and nothing is registered */
const char* register_product();

}  // namespace mtmt
