// The kernels as a Node-API module: loading it makes the ops known to TensorFlow, in this process. It exports `hasProduct` and `mapFile`.
#include "map.h"
#include "op.h"
#include "product.h"

extern "C" {
__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1() { return 8; }

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  try {
    static const bool has_product = [] {
      mtmt::register_layer_norm();
      mtmt::register_gelu();
      mtmt::register_attention();
      mtmt::register_dropout();
      mtmt::register_adamw();
      return mtmt::register_product();
    }();
    napi_value value;
    napi_get_boolean(env, has_product, &value);
    napi_set_named_property(env, exports, "hasProduct", value);
    napi_create_function(env, "mapFile", 7, mtmt::map_file, nullptr, &value);
    napi_set_named_property(env, exports, "mapFile", value);
  } catch (const std::exception& error) {
    napi_throw_error(env, "KERNELS_NOT_REGISTERED", error.what());
  }
  return exports;
}
}
