// A file as memory of JavaScript: what is read of it is in memory once for all processes, and the rest is not.
#include "map.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace mtmt {
namespace {

void unmap(napi_env, void* memory, void* bytes) { munmap(memory, reinterpret_cast<size_t>(bytes)); }

napi_value failed(napi_env env, const char* code, int error) {
  napi_throw_error(env, code, strerror(error));
  return nullptr;
}

}  // namespace

napi_value map_file(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument = nullptr;
  int32_t file = -1;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (napi_get_value_int32(env, argument, &file) != 0) return failed(env, "FILE_NOT_MAPPED", EINVAL);
  struct stat status;
  if (fstat(file, &status) != 0) return failed(env, "FILE_NOT_MAPPED", errno);
  const size_t bytes = size_t(status.st_size);
  // private and writable: a stray write from JavaScript must neither reach the file nor end the process
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  if (memory == MAP_FAILED) return failed(env, "FILE_NOT_MAPPED", errno);
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, memory, bytes, unmap, reinterpret_cast<void*>(bytes), &buffer) != 0) {
    munmap(memory, bytes);
    return failed(env, "FILE_NOT_MAPPED", ENOMEM);
  }
  return buffer;
}

}  // namespace mtmt
