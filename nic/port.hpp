// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "nic/error.hpp"
#include "nic/ids.hpp"
#include "nic/nic_profile.hpp"
#include "nic/packet.hpp"
#include "nic/packet_pool.hpp"
#include "nic/port_events.hpp"
#include "nic/units.hpp"

namespace bulkhead {

struct PortOptions {
  std::string name;    // the operator's, for messages
  std::string device;  // PCI address or virtual device with its arguments
  // Queues besides the shared one, number 0, to which flow rules may steer: as many as wanted, or fewer where
  // the device has no more or takes no rules.
  uint16_t own_queues = 0;
  uint16_t receive_descriptors = 1024;  // of the shared queue; all are moved into what the device can do
  uint16_t own_descriptors = 256;       // of each of the others
  uint16_t transmit_descriptors = 1024;
  // What the device takes of flow rules; null: what its driver is known to.
  const NicProfile* profile = nullptr;
  bool await_speed = false;  // nobody else says it: wait, up to nine seconds, until the link's is negotiated
  BitsPerSecond expected_speed = BitsPerSecond{0};  // otherwise: what is reported until the link has one
};

struct PortLink {
  bool up = false;
  BitsPerSecond speed;  // while it is down: what was awaited, or expected; 0: the device reports none
};

struct PortStatistics {
  uint64_t received_packets = 0;
  uint64_t received_bytes = 0;
  uint64_t transmitted_packets = 0;
  uint64_t transmitted_bytes = 0;
  uint64_t missed_packets = 0;  // lost before anyone saw them: no descriptor, no buffer, or damaged
  uint64_t failed_packets = 0;  // accepted by transmit() and then lost: the interface is down, say

  PortStatistics& operator+=(const PortStatistics& other);
};

/// One network device with its queues, started until it is closed. Owns the device: it is stopped and closed
/// at the end, and packets it still holds return to their pool. Where this object had it probed, it is
/// detached too; where an EAL argument had, it stays on its bus, and a port may be opened on it again. Rings
/// of this process are only stopped.
class Port {
 public:
  /// Probes, configures and starts the device. `pool` gives the buffers of received packets and must outlive
  /// the port. Frames of other stations are received too (promiscuous).
  static Result<Port> open(const PortOptions& options, PacketPool& pool);

  Port(Port&& other) noexcept;
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  Port& operator=(Port&& other) noexcept;
  ~Port();

  /// Lets go of the device, as the end of the port would: where it was removed, its bus waits for that. What
  /// was known of it is still answered. Requires: no thread receives or transmits, and none will.
  void close();
  [[nodiscard]] bool is_open() const { return device_ != kNoDevice; }

  /// What befell the device since it was opened, if anything that only opening it again can mend. Control
  /// thread: it may ask the device.
  [[nodiscard]] PortTrouble trouble() const;

  /// Receives up to `most` packets (and no more than the burst has room for), stamps them with `now`, and
  /// puts the tags that a driver took off back into the frames. One thread at a time per queue.
  uint32_t receive(QueueId queue, Burst& burst, uint32_t most, Cycles now) const;

  /// Hands packets to the device, which owns those that it accepted: the first n of them. One thread at a
  /// time per queue. Requires: packets no longer than `max_frame()`, and in one segment unless
  /// `takes_segments()`.
  [[nodiscard]] uint32_t transmit(QueueId queue, std::span<const Packet> packets) const;

  /// Longest frame that may be transmitted, tags included, without frame check sequence.
  [[nodiscard]] uint32_t max_frame() const { return max_frame_; }
  /// Whether frames in several segments may be transmitted. Where not, doing it would send foreign memory.
  [[nodiscard]] bool takes_segments() const { return takes_segments_; }
  [[nodiscard]] uint16_t mtu() const { return mtu_; }
  [[nodiscard]] const std::string& driver() const { return driver_; }
  /// What it is expected to take of flow rules.
  [[nodiscard]] const NicProfile& profile() const { return *profile_; }
  /// Queues besides the shared one: numbers 1 and up.
  [[nodiscard]] uint16_t own_queues() const { return own_queues_; }
  /// DPDK's number of the device, for what is made for it within nic/ (PortFlowTable).
  [[nodiscard]] uint16_t device() const { return device_; }

  /// Control thread only: these may ask the device.
  [[nodiscard]] PortLink link() const;
  [[nodiscard]] PortStatistics statistics() const;

 private:
  Port() = default;
  Result<void> probe(const PortOptions& options);
  Result<void> configure(const PortOptions& options, PacketPool& pool);
  Result<void> set_up_queues(const PortOptions& options, PacketPool& pool, uint16_t transmit_queues) const;
  Result<void> start(const PortOptions& options);
  void forget_what_came_before() const;
  void release();

  static constexpr uint16_t kNoDevice = UINT16_MAX;
  uint16_t device_ = kNoDevice;  // DPDK's number
  bool close_ = false;           // configured by us, and no rings of someone else
  bool detach_ = false;          // probed by us
  bool started_ = false;
  bool takes_segments_ = false;
  bool vanishes_ = false;   // with the kernel's interface, which is not its own
  unsigned interface_ = 0;  // the kernel's number of the interface beneath, where there is one
  uint16_t mtu_ = 0;
  uint32_t max_frame_ = 0;
  uint64_t megabits_ = 0;  // the speed that was awaited, or expected
  std::string driver_;
  const NicProfile* profile_ = nullptr;
  uint16_t own_queues_ = 0;
  std::unique_ptr<PortEvents> events_;  // while it is started
};

/// What DPDK calls a device: what stands before its arguments.
[[nodiscard]] std::string device_name(const std::string& device);

/// Whether this virtual device is of a driver such as "af_packet". DPDK knows older drivers by two names:
/// eth_af_packet0 and net_af_packet0 are the same.
[[nodiscard]] bool has_driver(std::string_view device, std::string_view driver);

/// Bytes that one segment of a packet must hold for frames of this device to be receivable.
[[nodiscard]] uint32_t data_room_of(const std::string& device);

}  // namespace bulkhead
