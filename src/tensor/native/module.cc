// The kernels as a Node-API module: loading it makes the ops known to TensorFlow, in this process. It exports `hasProduct`.
#include <cstdlib>

#include "op.h"
#include "product.h"

extern "C" {
typedef struct napi_env__* napi_env;
typedef struct napi_value__* napi_value;
int napi_throw_error(napi_env env, const char* code, const char* message);
int napi_get_boolean(napi_env env, bool value, napi_value* result);
int napi_set_named_property(napi_env env, napi_value object, const char* name, napi_value value);

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
  } catch (const std::exception& error) {
    napi_throw_error(env, "KERNELS_NOT_REGISTERED", error.what());
  }
  return exports;
}
}
