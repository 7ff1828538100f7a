// SPDX-License-Identifier: Apache-2.0
#include "nic/dpdk_log.hpp"

#include <rte_log.h>

#include <atomic>
#include <utility>

namespace bulkhead {
namespace {

// DPDK has one log per process, and so has this.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<DpdkLog*> current_log{nullptr};

}  // namespace

DpdkLog::DpdkLog(Sink sink)
    : sink_(std::move(sink)),
      stream_(fopencookie(this, "w",
                          {.read = nullptr, .write = &DpdkLog::write, .seek = nullptr, .close = nullptr})) {
  if (stream_ == nullptr) return;
  setvbuf(stream_, nullptr, _IOLBF, 0);
  rte_openlog_stream(stream_);
  current_log = this;
}

DpdkLog::~DpdkLog() {
  current_log = nullptr;
  rte_openlog_stream(nullptr);
  if (stream_ != nullptr) std::fclose(stream_);
}

std::string DpdkLog::take_last_line() {
  DpdkLog* log = current_log;
  if (log == nullptr) return {};
  const std::lock_guard lock(log->mutex_);
  const std::string line = std::exchange(log->last_, {});
  return line.empty() ? line : " (" + line + ")";
}

ssize_t DpdkLog::write(void* self, const char* text, std::size_t size) {
  static_cast<DpdkLog*>(self)->take({text, size});
  return static_cast<ssize_t>(size);
}

void DpdkLog::take(std::string_view text) {
  const std::lock_guard lock(mutex_);
  partial_ += text;
  for (std::size_t end; (end = partial_.find('\n')) != std::string::npos; partial_.erase(0, end + 1)) {
    const std::string line = partial_.substr(0, end);
    if (line.empty()) continue;
    if (sink_) sink_(line);
    last_ = line;
  }
}

}  // namespace bulkhead
