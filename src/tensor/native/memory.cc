// Memory that a process holds and does not use, given back to the system.
#include "memory.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace mtmt {
namespace {

/**
 * What was read of libtensorflow to link and to start it, and hardly again. These are pages of the file that are never written to: what is needed
 * of them later comes back by itself, from the system's cache of the file.
 */
int drop_pages(dl_phdr_info* library, size_t, void*) {
  if (library->dlpi_name == nullptr || strstr(library->dlpi_name, "libtensorflow") == nullptr) return 0;
  const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
  for (int i = 0; i < library->dlpi_phnum; i++) {
    const auto& segment = library->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const uintptr_t start = library->dlpi_addr + segment.p_vaddr, end = start + segment.p_memsz;
    const uintptr_t first = start / page * page, last = end / page * page;
    madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

napi_value give_back_memory(napi_env, napi_callback_info) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  dl_iterate_phdr(drop_pages, nullptr);
  return nullptr;
}

}  // namespace mtmt
