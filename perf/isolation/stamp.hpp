// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace bulkhead::perf {

/// What the generator writes into each of its frames, behind Ethernet, one tag, IPv4 and UDP.
struct Stamp {
  static constexpr std::size_t kAt = 46;
  static constexpr std::size_t kEnd = kAt + 14;  // fits the shortest frame
  uint64_t sent = 0;                             // clock
  uint32_t sequence = 0;
  uint16_t whose = 0;

  void write(uint8_t* frame) const {
    std::memcpy(frame + kAt, &sent, sizeof sent);
    std::memcpy(frame + kAt + 8, &sequence, sizeof sequence);
    std::memcpy(frame + kAt + 12, &whose, sizeof whose);
  }
  static Stamp read(const uint8_t* frame) {
    Stamp stamp;
    std::memcpy(&stamp.sent, frame + kAt, sizeof sent);
    std::memcpy(&stamp.sequence, frame + kAt + 8, sizeof sequence);
    std::memcpy(&stamp.whose, frame + kAt + 12, sizeof whose);
    return stamp;
  }
};

/// In longer frames: when the frame was given to its device to be sent, on the clock; 0 where nobody says.
struct Departure {
  static constexpr std::size_t kAt = Stamp::kEnd;
  static constexpr std::size_t kEnd = kAt + 8;

  static void write(uint8_t* frame, uint64_t at) { std::memcpy(frame + kAt, &at, sizeof at); }
  static uint64_t read(const uint8_t* frame) {
    uint64_t at = 0;
    std::memcpy(&at, frame + kAt, sizeof at);
    return at;
  }

  /// From now on, frames with room for it that the device sends say when. DPDK's callback for that, in
  /// whatever thread sends. The device must have been started.
  static void tell(const std::string& device);
};

}  // namespace bulkhead::perf
