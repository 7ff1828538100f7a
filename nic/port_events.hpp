// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace bulkhead {

/// What can befall a device that was opened.
enum class PortTrouble : uint8_t {
  none,
  reset,    // it asks to be reset: its physical function was, say, or its host
  removed,  // it is gone, or about to go and waits to be let go of
};

/// Hears what a device says of itself, for as long as this object lives. DPDK says it in a thread of its own,
/// where no device may be closed: it is only noted there.
class PortEvents {
 public:
  /// `name`: what the device's bus calls it, which speaks for it where someone pulls a card.
  PortEvents(uint16_t device, std::string name);
  PortEvents(const PortEvents&) = delete;
  PortEvents& operator=(const PortEvents&) = delete;
  ~PortEvents();

  /// DPDK's thread.
  void hear(PortTrouble trouble);
  /// The worst of what was heard. Any thread.
  [[nodiscard]] PortTrouble heard() const { return heard_.load(std::memory_order_acquire); }

 private:
  uint16_t device_;
  std::string name_;
  std::atomic<PortTrouble> heard_{PortTrouble::none};  // DPDK's thread: writes, control: reads
};

}  // namespace bulkhead
