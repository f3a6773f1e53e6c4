#include "pool.h"

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace mtmt {
namespace {

/** How often a thread looks for work, or for its end, before it sleeps: 20 to 100 us. Waking one takes as long, and most ops are shorter. */
constexpr int kLooks = 2000;

/** @return whether it came true before patience ran out */
template <typename Condition>
bool comes_soon(const Condition& condition) {
  for (int look = 0; look < kLooks; look++) {
    if (condition()) return true;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  return false;
}

/**
 * Moves this thread to another core than `busy` if that is where it runs. Linux may wake a helper on the core of the thread that it is to help, and
 * leave it there beside an idle core for milliseconds: a fifth of the time on a virtual machine of two cores.
 * @param allowed cores of this process
 */
void leave(int busy, const cpu_set_t& allowed) {
  if (sched_getcpu() != busy) return;
  cpu_set_t others = allowed;
  CPU_CLR(busy, &others);
  if (CPU_COUNT(&others) > 0) sched_setaffinity(0, sizeof others, &others);
}

struct Loop {
  const std::function<void(int64_t)>* work;
  int64_t count;
  std::atomic<int64_t> next{0};
  std::atomic<int64_t> done{0};

  /** @return whether it did the last one */
  bool help() {
    bool is_last = false;
    for (int64_t i; (i = next.fetch_add(1)) < count;) {
      (*work)(i);
      is_last = done.fetch_add(1) + 1 == count;
    }
    return is_last;
  }
};

class Pool {
 public:
  Pool() {
    if (sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) CPU_ZERO(&allowed_);
    const unsigned cores = std::thread::hardware_concurrency();
    for (unsigned i = 1; i < cores; i++) std::thread([this] { serve(); }).detach();
    size_ = cores;
  }

  void share(int64_t count, const std::function<void(int64_t)>& work) {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (!turn.owns_lock() || count < 2 || size_ < 2) {
      for (int64_t i = 0; i < count; i++) work(i);
      return;
    }
    caller_ = sched_getcpu();
    auto loop = std::make_shared<Loop>();
    loop->work = &work;
    loop->count = count;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      loop_ = loop;
      number_++;
    }
    wake_.notify_all();
    if (!loop->help() && !comes_soon([&] { return loop->done.load() == count; })) {
      std::unique_lock<std::mutex> lock(mutex_);
      finished_.wait(lock, [&] { return loop->done.load() == count; });
    }
    std::lock_guard<std::mutex> lock(mutex_);
    loop_.reset();
  }

 private:
  void serve() {
    uint64_t seen = 0;
    for (;;) {
      std::shared_ptr<Loop> loop;
      comes_soon([&] { return number_.load() != seen; });
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [&] { return number_ != seen; });
        seen = number_;
        loop = loop_;
      }
      leave(caller_, allowed_);
      // a late one keeps the loop alive, finds nothing left to do and never touches `work`
      if (loop && loop->help()) {
        std::lock_guard<std::mutex> lock(mutex_);
        finished_.notify_all();
      }
    }
  }

  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable finished_;
  std::shared_ptr<Loop> loop_;
  std::atomic<uint64_t> number_{0};
  /** The core of the thread that shares. */
  std::atomic<int> caller_{-1};
  cpu_set_t allowed_;
  unsigned size_ = 1;
};

}  // namespace

void share(int64_t count, const std::function<void(int64_t)>& work) {
  static Pool* pool = new Pool;  // never destroyed: its threads end with the process
  pool->share(count, work);
}

}  // namespace mtmt
