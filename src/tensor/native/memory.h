#pragma once
#include "napi.h"

namespace mtmt {

/** () -> undefined. Returns to the system what the process holds and does not use. */
napi_value give_back_memory(napi_env env, napi_callback_info info);

}  // namespace mtmt
