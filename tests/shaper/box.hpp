// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "shaper/layout.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/ring_device.hpp"

namespace bulkhead::test {

/// A slice as a test describes it: at which ports, and with which VLAN there.
struct SliceSpec {
  struct Place {
    uint16_t port = 0;
    std::vector<uint16_t> vlans{Vlan::kUntagged};
  };
  std::string name;
  std::vector<Place> places;
  enum class Model : uint8_t {
    wire,
    learning_switch,
    failing,  // sends its first packet and throws
  } model = Model::wire;
  uint32_t capacity = 256;  // of its inputs, and of its ways out
  SliceRates rates{};
  Priority::Rules priority{};
  Cycles each = Cycles{0};            // burnt for each packet
  std::function<void()> meanwhile{};  // what happens while a burst is forwarded
  EgressLimits limits{.max_frame = 1522, .takes_segments = true};
};

/// A class for each PCP, strict, in the order of 802.1Q.
[[nodiscard]] EgressPlan plan_of(const SliceSpec& spec);

struct BoxSlice {
  SliceSpec spec;
  std::shared_ptr<SliceRuntime> runtime;
};

/// Where a slice's packets have gone. Balanced: all that came are somewhere, exactly once.
struct Account {
  uint64_t received = 0;
  uint64_t copied = 0;
  uint64_t transmitted = 0;
  uint64_t queued = 0;
  uint64_t dropped = 0;
  [[nodiscard]] bool balanced() const { return received + copied == transmitted + queued + dropped; }
};
[[nodiscard]] Account account_of(const SliceRuntime& slice);
/// Drops under one reason, on either side of the slice.
[[nodiscard]] uint64_t dropped(const SliceRuntime& slice, DropReason reason);

/// The data path's parts between ring devices: ports whose other ends the test holds, a pool, slices,
/// layouts.
class Box {
 public:
  /// `name`: unique in the process, up to eight letters. `own_queues`: of each port, besides the shared one.
  Box(const std::string& name, std::size_t ports, uint32_t ring_size = 1023, uint32_t packets = 8191,
      BitsPerSecond speed = 400_Gbps, uint16_t own_queues = 0);

  /// A slice at work, for this box or on its own.
  [[nodiscard]] static std::shared_ptr<SliceRuntime> unconnected(const SliceSpec& spec);
  [[nodiscard]] static BoxSlice slice(const SliceSpec& spec) {
    return {.spec = spec, .runtime = unconnected(spec)};
  }
  /// The slices' numbers are their places in the list.
  [[nodiscard]] std::unique_ptr<Layout> layout(const std::vector<BoxSlice>& slices, CpuPlan cpu = {});

  [[nodiscard]] RingDevice& ring(std::size_t port) { return *rings_[port]; }
  [[nodiscard]] PortRuntime& port(std::size_t port) { return *ports_[port]; }
  [[nodiscard]] PacketPool& pool() { return pool_; }
  [[nodiscard]] uint64_t unclaimed() const;

 private:
  PacketPool pool_;
  std::vector<std::unique_ptr<RingDevice>> rings_;
  std::vector<std::shared_ptr<PortRuntime>> ports_;
  uint64_t generation_ = 0;
};

}  // namespace bulkhead::test
