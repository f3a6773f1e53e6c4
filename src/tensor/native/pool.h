// Shares loops among the cores. TensorFlow's own threads are not to be had through its C interface.
#pragma once
#include <cstdint>
#include <functional>

namespace mtmt {

/** Calls `work(i)` for each i in [0, count), on all cores; returns when all are done. Within another call: on this thread alone. */
void share(int64_t count, const std::function<void(int64_t)>& work);

}  // namespace mtmt
