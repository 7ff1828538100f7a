// SPDX-License-Identifier: Apache-2.0
#include "nic/port.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "nic/dpdk_log.hpp"
#include "nic/interrupt_thread.hpp"
#include "nic/kernel_interface.hpp"
#include "nic/pci_device.hpp"
#include "nic/sanitizer.hpp"

namespace bulkhead {
namespace {

/// "port uplink (device net_tap0): WHAT: cause (driver's words); remedy"
std::unexpected<Error> refuse(const PortOptions& options, std::string_view what, int error,
                              std::string_view remedy) {
  return fail(fmt::format("port {} (device {}): {}: {}{}; {}", options.name, options.device, what,
                          std::strerror(std::abs(error)), DpdkLog::take_last_line(), remedy));
}

/// Whatever keeps the driver from its interface, DPDK says "Operation not permitted".
Result<void> check_interface(const PortOptions& options) {
  const auto interface = interface_of(options.device);
  if (!interface) return {};
  if (if_nametoindex(interface->c_str()) == 0)
    return fail(
        fmt::format("port {} (device {}): there is no interface {}; name one that `ip link` shows in this "
                    "network namespace",
                    options.name, options.device, *interface));
  const int probe = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);  // of protocol 0: it receives nothing
  if (probe >= 0) return close(probe), Result<void>{};
  return fail(
      fmt::format("port {} (device {}): raw sockets cannot be opened: {}; run as root, or with CAP_NET_RAW",
                  options.name, options.device, std::strerror(errno)));
}

/// Whether the driver sends frames in several segments whole. One that does not say so may send the length of
/// the frame from the first segment alone, and with it what another slice's packet left there (AF_XDP does).
/// These two do not say so, and handle segments all the same (their sources, DPDK 22.11).
bool sends_all_segments(const rte_eth_dev_info& info) {
  const std::string_view driver = info.driver_name;
  return (info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0 || driver == "net_pcap" ||
         driver == "net_null";
}

constexpr uint64_t kMegabit = 1'000'000;

/// Megabits per second; 0 where the device does not say.
uint64_t known_speed(const rte_eth_link& link) {
  return link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? RTE_ETH_SPEED_NUM_NONE : link.link_speed;
}

/// Right after its start a device has no link yet, and so no speed. Where no link comes, the most that it
/// can.
uint64_t await_speed(uint16_t device, const rte_eth_dev_info& info) {
  rte_eth_link link{};
  if (rte_eth_link_get(device, &link) == 0 && known_speed(link) > 0) return known_speed(link);
  for (const uint32_t megabits : {200'000u, 100'000u, 56'000u, 50'000u, 40'000u, 25'000u, 20'000u, 10'000u,
                                  5'000u, 2'500u, 1'000u, 100u, 10u})
    if ((info.speed_capa & rte_eth_speed_bitflag(megabits, RTE_ETH_LINK_FULL_DUPLEX)) != 0) return megabits;
  return 0;
}

/// A device that was closed but not detached, because an EAL argument had it probed, is still on its bus.
/// Takes it off, and says how to probe it again with the arguments it came with; nothing where there is none.
std::optional<std::string> take_off_its_bus(const std::string& name) {
  for (const char* bus : {"vdev", "pci"}) {
    const rte_devargs* known = nullptr;
    RTE_EAL_DEVARGS_FOREACH(bus, known) {
      if (name != known->name) continue;
      const bool any = known->args != nullptr && *known->args != '\0';
      std::string described = any ? name + "," + known->args : name;
      if (rte_eal_hotplug_remove(bus, name.c_str()) == 0) return described;
      DpdkLog::take_last_line();  // was never probed, and will tell itself why
      break;
    }
  }
  return std::nullopt;
}

bool is_on_pci(uint16_t device) {
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(device, &info) != 0 || info.device == nullptr) return false;
  return std::string_view(rte_bus_name(rte_dev_bus(info.device))) == "pci";
}

/// Leaves nothing of the frame, whatever segments it has.
void cut_to_nothing(rte_mbuf* mbuf) {
  rte_pktmbuf_free(std::exchange(mbuf->next, nullptr));
  mbuf->nb_segs = 1;
  mbuf->data_len = 0;
  mbuf->pkt_len = 0;
}

/// The tag that the driver took off goes back to where it was: everything behind reads frames as they came.
/// DPDK does not say which protocol identifier it had; 0x8100 is what drivers strip. A frame without room for
/// it is cut to nothing, and then counted as malformed: without its tag it would enter another slice.
void restore_tag(rte_mbuf* mbuf) {
  mbuf->ol_flags &= ~(RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED);
  if (mbuf->data_len < kEthernetHeaderSize) return cut_to_nothing(mbuf);
  auto* start = reinterpret_cast<uint8_t*>(rte_pktmbuf_prepend(mbuf, kVlanTagSize));
  if (start == nullptr) return cut_to_nothing(mbuf);
  std::memmove(start, start + kVlanTagSize, 12);
  store_be16(start + 12, kEthertypeCustomerTag);
  store_be16(start + 14, mbuf->vlan_tci);
}

}  // namespace

std::string device_name(const std::string& device) { return device.substr(0, device.find(',')); }

bool has_driver(std::string_view device, std::string_view driver) {
  return (device.starts_with("net_") || device.starts_with("eth_")) && device.substr(4).starts_with(driver);
}

uint32_t data_room_of(const std::string& device) {
  // AF_PACKET wants a packet buffer as large as a frame of its ring.
  constexpr uint32_t kUsual = 2048;
  const auto at = device.find("framesz=");
  if (!has_driver(device, "af_packet") || at == std::string::npos) return kUsual;
  const auto ring_frame = std::strtoul(device.c_str() + at + 8, nullptr, 10);
  return std::clamp<uint32_t>(static_cast<uint32_t>(std::min(ring_frame, 65'000ul)), kUsual, 65'000);
}

Result<Port> Port::open(const PortOptions& options, PacketPool& pool) {
  Port port;
  DpdkLog::take_last_line();
  if (auto probed = port.probe(options); !probed) return std::unexpected(probed.error());
  if (auto configured = port.configure(options, pool); !configured)
    return std::unexpected(configured.error());
  if (auto started = port.start(options); !started) return std::unexpected(started.error());
  return port;
}

Result<void> Port::probe(const PortOptions& options) {
  const std::string name = device_name(options.device);
  // A device that the operator had probed through an EAL argument is there already.
  if (rte_eth_dev_get_port_by_name(name.c_str(), &device_) == 0) return {};
  if (auto checked = check_interface(options); !checked) return checked;
  const auto again = take_off_its_bus(name);
  const bool has_arguments = name != options.device;
  const int error = rte_dev_probe(again && !has_arguments ? again->c_str() : options.device.c_str());
  if (error == -EFAULT)  // no bus of DPDK's can read it
    return fail(
        fmt::format("port {} (device {}): no DPDK driver has this name; write a PCI address such as "
                    "0000:3b:00.0 or a virtual device such as net_af_packet0,iface=veth1",
                    options.name, options.device));
  if (const auto obstacle = error == 0 ? std::nullopt : pci_obstacle(name))
    return fail(fmt::format("port {} (device {}): {}", options.name, options.device, *obstacle));
  if (error != 0)
    return refuse(options, "cannot be found or attached", error,
                  "check the device's name and arguments, and that you are root");
  close_ = true;
  detach_ = !again;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &device_) != 0) {
    device_ = kNoDevice;
    return fail(fmt::format("port {} (device {}): is no network device; name one that is", options.name,
                            options.device));
  }
  return {};
}

Result<void> Port::configure(const PortOptions& options, PacketPool& pool) {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(device_, &info); error != 0)
    return refuse(options, "does not describe itself", error, "use another device");
  driver_ = info.driver_name;
  profile_ = options.profile != nullptr ? options.profile : &profile_of_driver(driver_);
  const uint16_t most =
      profile_->to_queue ? std::min(info.max_rx_queues, profile_->most_queues) : uint16_t{1};
  own_queues_ = std::min(options.own_queues, static_cast<uint16_t>(std::max<uint16_t>(most, 1) - 1));
  const auto receive_queues = static_cast<uint16_t>(own_queues_ + 1);
  const uint16_t transmit_queues = profile_->equal_queues ? receive_queues : uint16_t{1};
  rte_eth_conf configuration{};
  // Some drivers say that their device has gone only where they are asked to.
  configuration.intr_conf.rmv = (*info.dev_flags & RTE_ETH_DEV_INTR_RMV) != 0 ? 1 : 0;
  // Without RSS, frames that no rule has come by the shared queue.
  configuration.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
  configuration.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  configuration.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  if (const int error = rte_eth_dev_configure(device_, receive_queues, transmit_queues, &configuration);
      error != 0)
    return refuse(options, "cannot be configured", error, "use another device");
  // Rings of this process cannot be probed again: they are whose who made a device of them.
  close_ = close_ || driver_ != "net_ring";
  takes_segments_ = sends_all_segments(info);
  return set_up_queues(options, pool, transmit_queues);
}

Result<void> Port::set_up_queues(const PortOptions& options, PacketPool& pool,
                                 uint16_t transmit_queues) const {
  const int socket = rte_eth_dev_socket_id(device_);
  const auto memory = static_cast<unsigned>(socket < 0 ? 0 : socket);
  for (uint16_t queue = 0; queue <= own_queues_; ++queue) {
    uint16_t descriptors = queue == 0 ? options.receive_descriptors : options.own_descriptors;
    rte_eth_dev_adjust_nb_rx_tx_desc(device_, &descriptors, nullptr);
    if (const int error = rte_eth_rx_queue_setup(device_, queue, descriptors, memory, nullptr, pool.raw());
        error != 0)
      return refuse(options, fmt::format("receive queue {} cannot be set up", queue), error,
                    "check the device's frame size against the packet memory");
  }
  uint16_t descriptors = options.transmit_descriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(device_, nullptr, &descriptors);
  for (uint16_t queue = 0; queue < transmit_queues; ++queue)
    if (const int error = rte_eth_tx_queue_setup(device_, queue, descriptors, memory, nullptr); error != 0)
      return refuse(options, fmt::format("transmit queue {} cannot be set up", queue), error,
                    "use another device");
  return {};
}

/// An AF_PACKET socket hears every interface of the machine until its driver has bound it to the port's own:
/// what came before is nobody's packet, and would leave by the wire as one. It is not counted either.
void Port::forget_what_came_before() const {
  constexpr uint32_t kMostFrames =
      1 << 16;  // more than a ring holds; an interface that is busy goes on sending
  std::array<rte_mbuf*, 32> strays{};
  for (uint32_t forgotten = 0; forgotten < kMostFrames;) {
    const uint16_t received = rte_eth_rx_burst(device_, 0, strays.data(), strays.size());
    if (received == 0) break;
    for (uint16_t i = 0; i < received; ++i) rte_pktmbuf_free(strays[i]);
    forgotten += received;
  }
  rte_eth_stats_reset(device_);
}

Result<void> Port::start(const PortOptions& options) {
  if (const int error = rte_eth_dev_start(device_); error != 0)
    return refuse(options, "cannot be started", error, "check the interface and that nothing else uses it");
  started_ = true;
  const bool is_af_packet = driver_ == "net_af_packet";
  if (is_af_packet) forget_what_came_before();
  rte_eth_stats_reset(device_);  // of a device that was opened before, and is only started again
  // Where promiscuous mode is not supported there is nothing to filter by address either (pcap, null, ring).
  rte_eth_promiscuous_enable(device_);
  rte_eth_allmulticast_enable(device_);
  rte_eth_dev_get_mtu(device_, &mtu_);
  rte_eth_dev_info info{};
  if (rte_eth_dev_info_get(device_, &info) == 0) interface_ = info.if_index;
  megabits_ = options.await_speed ? await_speed(device_, info) : options.expected_speed.count() / kMegabit;
  vanishes_ = interface_of(options.device).has_value();
  mtu_ = interface_mtu(interface_).value_or(mtu_);
  // A ring whose frames are smaller would cut long ones off in the kernel, and lose them on the way out.
  constexpr uint32_t kRingFrameOverhead = 128;  // TPACKET_V2's header, addresses and alignment
  if (is_af_packet && mtu_ + kRingFrameOverhead > data_room_of(options.device))
    return fail(
        fmt::format("port {} (device {}): frames of its interface's MTU {} do not fit into the ring's; add "
                    "framesz={} and blocksz, a multiple of it, to the device, or lower the MTU",
                    options.name, options.device, mtu_, std::bit_ceil(mtu_ + kRingFrameOverhead)));
  // Two tags beyond the MTU's untagged frame, as 802.1ad wants it.
  max_frame_ = mtu_ + kEthernetHeaderSize + 2 * kVlanTagSize;
  events_ = std::make_unique<PortEvents>(device_, device_name(options.device));
  DpdkLog::take_last_line();
  return {};
}

Port::Port(Port&& other) noexcept
    : device_(std::exchange(other.device_, kNoDevice)),
      close_(std::exchange(other.close_, false)),
      detach_(std::exchange(other.detach_, false)),
      started_(std::exchange(other.started_, false)),
      takes_segments_(other.takes_segments_),
      vanishes_(other.vanishes_),
      interface_(other.interface_),
      mtu_(other.mtu_),
      max_frame_(other.max_frame_),
      megabits_(other.megabits_),
      driver_(std::move(other.driver_)),
      profile_(other.profile_),
      own_queues_(other.own_queues_),
      events_(std::move(other.events_)) {}

Port& Port::operator=(Port&& other) noexcept {
  if (this == &other) return *this;
  std::destroy_at(this);
  return *std::construct_at(this, std::move(other));
}

Port::~Port() { release(); }

void Port::close() {
  if (!is_open()) return;
  megabits_ = link().speed.count() / kMegabit;
  // Elsewhere a device that an EAL argument had probed stays on its bus. This one its bus has lost.
  if (trouble() == PortTrouble::removed) detach_ = detach_ || is_on_pci(device_);
  release();
}

void Port::release() {
  events_.reset();
  if (device_ == kNoDevice) return;
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(device_, &info);
  rte_device* const device = info.device;
  // A device may hear from its peer just now: memif's handler would go on with what is freed here (22.11).
  between_interrupts([this] {
    if (started_) rte_eth_dev_stop(device_);
    // A device that is only stopped keeps buffers of the pool, and would return them after the pool's end.
    if (close_) rte_eth_dev_close(device_);
  });
  if (detach_ && device != nullptr) rte_dev_remove(device);
  device_ = kNoDevice;
  close_ = detach_ = started_ = false;
}

PortTrouble Port::trouble() const {
  if (!is_open()) return PortTrouble::none;
  const bool is_gone = rte_eth_dev_is_removed(device_) == 1 || (vanishes_ && !interface_exists(interface_));
  return is_gone ? PortTrouble::removed : events_->heard();
}

uint32_t Port::receive(QueueId queue, Burst& burst, uint32_t most, Cycles now) const {
  auto** const mbufs = reinterpret_cast<rte_mbuf**>(burst.raw() + burst.size());
  const auto wanted = static_cast<uint16_t>(std::min(most, burst.room()));
  const uint16_t received = rte_eth_rx_burst(device_, queue.value(), mbufs, wanted);
  for (uint16_t i = 0; i < received; ++i) {
    take_over_from_library(mbufs[i]);
    if ((mbufs[i]->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) [[unlikely]]
      restore_tag(mbufs[i]);
    const Packet packet(mbufs[i]);
    packet.state() = {.arrival = now, .vlan = Vlan::untagged(), .pcp = 0, .length = packet.length()};
  }
  burst.resize(burst.size() + received);
  return received;
}

uint32_t Port::transmit(QueueId queue, std::span<const Packet> packets) const {
  for (const Packet packet : packets) hand_over_to_library(packet.mbuf());
  auto** const mbufs = reinterpret_cast<rte_mbuf**>(const_cast<Packet*>(packets.data()));
  return rte_eth_tx_burst(device_, queue.value(), mbufs, static_cast<uint16_t>(packets.size()));
}

PortLink Port::link() const {
  rte_eth_link link{};
  if (!is_open() || rte_eth_link_get_nowait(device_, &link) != 0)
    return {.up = false, .speed = BitsPerSecond{megabits_ * kMegabit}};
  const uint64_t megabits = known_speed(link) > 0 ? known_speed(link) : megabits_;
  return {.up = link.link_status == RTE_ETH_LINK_UP && (interface_ == 0 || interface_is_up(interface_)),
          .speed = BitsPerSecond{megabits * kMegabit}};
}

PortStatistics& PortStatistics::operator+=(const PortStatistics& other) {
  received_packets += other.received_packets;
  received_bytes += other.received_bytes;
  transmitted_packets += other.transmitted_packets;
  transmitted_bytes += other.transmitted_bytes;
  missed_packets += other.missed_packets;
  failed_packets += other.failed_packets;
  return *this;
}

PortStatistics Port::statistics() const {
  rte_eth_stats statistics{};
  if (is_open()) rte_eth_stats_get(device_, &statistics);
  return {.received_packets = statistics.ipackets,
          .received_bytes = statistics.ibytes,
          .transmitted_packets = statistics.opackets,
          .transmitted_bytes = statistics.obytes,
          .missed_packets = statistics.imissed + statistics.ierrors + statistics.rx_nombuf,
          .failed_packets = statistics.oerrors};
}

}  // namespace bulkhead
