// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace bulkhead {

/// Takes DPDK's log over, line by line, and remembers the last complaint: DPDK's return codes rarely say what
/// was wrong, its log does. Construct before the EAL starts, destroy after it has ended. Any thread.
class DpdkLog {
 public:
  using Sink = std::function<void(std::string_view line)>;
  explicit DpdkLog(Sink sink);
  DpdkLog(const DpdkLog&) = delete;
  DpdkLog& operator=(const DpdkLog&) = delete;
  ~DpdkLog();

  /// The last line since the last call, as " (line)" to be put into an Error's message, or empty.
  static std::string take_last_line();

 private:
  static ssize_t write(void* self, const char* text, std::size_t size);
  void take(std::string_view text);

  Sink sink_;
  std::FILE* stream_ = nullptr;
  std::mutex mutex_;
  std::string partial_;  // any thread, under mutex_
  std::string last_;
};

}  // namespace bulkhead
