#pragma once
#include "napi.h"

namespace mtmt {

/** (number of an open file) -> ArrayBuffer of its bytes; the mapping outlives the file number and goes with the ArrayBuffer. */
napi_value map_file(napi_env env, napi_callback_info info);

}  // namespace mtmt
