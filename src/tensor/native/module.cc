// The kernels as a Node-API module: loading it makes the ops known to TensorFlow, in this process. It exports `product`, how matrices of bfloat16 are multiplied, `mapFile` and `giveBackMemory`.
#include "map.h"
#include "memory.h"
#include "op.h"
#include "product.h"

extern "C" {
__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() { return 8; }

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  try {
    static const char* const product = [] {
      mtmt::register_layer_norm();
      mtmt::register_gelu();
      mtmt::register_attention();
      mtmt::register_dropout();
      mtmt::register_adamw();
      const char* const found = mtmt::register_product();
      if (*found != 0) mtmt::register_block();
      return found;
    }();
    napi_value value;
    napi_create_string_utf8(env, product, SIZE_MAX, &value);
    napi_set_named_property(env, exports, "product", value);
    napi_create_function(env, "mapFile", 7, mtmt::map_file, nullptr, &value);
    napi_set_named_property(env, exports, "mapFile", value);
    napi_create_function(env, "giveBackMemory", 14, mtmt::give_back_memory, nullptr, &value);
    napi_set_named_property(env, exports, "giveBackMemory", value);
  } catch (const std::exception& error) {
    napi_throw_error(env, "KERNELS_NOT_REGISTERED", error.what());
  }
  return exports;
}
}
