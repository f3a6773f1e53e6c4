// The few functions of Node-API that the module calls (node_api.h), so that building it needs no headers of Node.
#pragma once
#include <cstddef>
#include <cstdint>

extern "C" {
typedef struct napi_env__* napi_env;
typedef struct napi_value__* napi_value;
typedef struct napi_callback_info__* napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);
typedef void (*napi_finalize)(napi_env env, void* data, void* hint);

int napi_throw_error(napi_env env, const char* code, const char* message);
int napi_create_string_utf8(napi_env env, const char* text, size_t length, napi_value* result);
int napi_set_named_property(napi_env env, napi_value object, const char* name, napi_value value);
int napi_create_function(napi_env env, const char* name, size_t length, napi_callback callback, void* data, napi_value* result);
int napi_get_cb_info(napi_env env, napi_callback_info info, size_t* argc, napi_value* argv, napi_value* self, void** data);
int napi_get_value_int32(napi_env env, napi_value value, int32_t* result);
int napi_create_external_arraybuffer(napi_env env, void* memory, size_t bytes, napi_finalize finalize, void* hint, napi_value* result);
}
