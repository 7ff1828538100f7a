// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "control/appliance.hpp"
#include "control/device_identity.hpp"
#include "control/kept.hpp"
#include "control/log.hpp"
#include "nic/clock.hpp"

namespace bulkhead {
namespace {

/// Slices and layout rely on what the device could do when they were made.
Result<void> check_likeness(const Port& fresh, const Port& before, const PortConfig& config) {
  if (fresh.driver() == before.driver() && fresh.max_frame() >= before.max_frame() &&
      fresh.own_queues() == before.own_queues() && (fresh.takes_segments() || !before.takes_segments()))
    return {};
  return fail(
      fmt::format("port {} (device {}): is not what it was: driver {}, frames up to {} bytes and {} queues "
                  "for slices, where there were {}, {} and {}; set its MTU and queues as before, or restart "
                  "the appliance",
                  config.name, config.device, fresh.driver(), fresh.max_frame(), fresh.own_queues(),
                  before.driver(), before.max_frame(), before.own_queues()));
}

}  // namespace

/// `before`: the port that it is opened again for; null where it is a new one's.
Result<Port> Appliance::open_device(const Config& config, PortId id, const PortRuntime* before) const {
  const PortConfig& wanted = config.ports[id.value()];
  return Port::open(
      {.name = wanted.name,
       .device = wanted.device,
       .own_queues = before != nullptr ? before->port.own_queues() : own_queues_at(config, id, memory()),
       .receive_descriptors = kDescriptors,
       .own_descriptors = kOwnDescriptors,
       .transmit_descriptors = kDescriptors,
       .profile = steering_.profile(wanted.name),
       // Opened again, it is not waited for: others need the control thread.
       .await_speed = before == nullptr && !wanted.speed,
       .expected_speed = before != nullptr ? before->port.link().speed : BitsPerSecond{}},
      pool_);
}

Result<void> Appliance::open_ports(const Config& config, Open which, Ports& ports) const {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const PortConfig& wanted = config.ports[i];
    if (ports[i] || (which == Open::not_in_use && is_in_use(wanted))) continue;
    auto port = open_device(config, PortId{static_cast<uint16_t>(i)}, nullptr);
    if (!port) return std::unexpected(port.error());
    const BitsPerSecond speed = wanted.speed.value_or(port->link().speed);
    ports[i] = std::make_shared<PortRuntime>(wanted.name, std::move(*port),
                                             Egress::Options{.speed = speed, .clock_hz = clock_hz()});
  }
  return {};
}

Appliance::Ports Appliance::unchanged_ports(const Config& config) const {
  Ports ports;
  for (const PortConfig& wanted : config.ports) {
    const auto kept = kept_port(config_, wanted);
    ports.push_back(kept ? ports_[*kept] : nullptr);
  }
  return ports;
}

bool Appliance::is_in_use(const PortConfig& config) const {
  for (std::size_t port = 0; port < ports_.size(); ++port)
    if (ports_[port] && collide(config_.ports[port].device, config.device)) return true;
  return false;
}

/// Looks what has befallen the devices. The layout stays: what is closed and opened again is one port's
/// device, which nobody visits meanwhile.
void Appliance::tend_ports() {
  outages_.retain(ports_);
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    if (ports_[port]->port.is_open()) {
      const PortTrouble trouble = ports_[port]->port.trouble();
      if (trouble == PortTrouble::none) continue;
      take_out_of_service(port, trouble);
      // Who removes it is only now let go on: opened again at once, it could not be taken away.
      if (trouble == PortTrouble::removed) continue;
    } else if (!outages_.is_due(*ports_[port])) {
      continue;
    }
    try_to_bring_back(port);
  }
}

void Appliance::take_out_of_service(std::size_t port, PortTrouble trouble) {
  PortRuntime& runtime = *ports_[port];
  const bool is_reset = trouble == PortTrouble::reset;
  const std::string& device = config_.ports[port].device;
  log_warning(is_reset ? fmt::format("port {}: its device {} asks to be reset; it is closed and opened again",
                                     runtime.name, device)
                       : fmt::format("port {}: its device {} was removed; what slices send there is dropped "
                                     "(transmit_failed) until it is back: plug it in again",
                                     runtime.name, device));
  const std::lock_guard lock(mutex_);
  runtime.withdraw();
  steering_.suspend(runtime);
  runtime.history.before += runtime.port.statistics();
  runtime.history.trouble = trouble;
  ++(is_reset ? runtime.history.resets : runtime.history.removals);
  runtime.port.close();
  if (!is_reset) runtime.drop_what_is_sent();
}

void Appliance::try_to_bring_back(std::size_t port) {
  PortRuntime& runtime = *ports_[port];
  if (auto done = bring_back(port); !done) {
    runtime.drop_what_is_sent();
    if (outages_.failed(runtime, done.error().message()))
      log_warning(fmt::format("{}; it is tried again, and what slices send there is dropped meanwhile",
                              done.error().message()));
    return;
  }
  outages_.end(runtime);
  log_info(fmt::format("port {}: is in service again", runtime.name));
  hand_over_queues();
}

/// All that can fail happens before a packet is received: the slices' rules are back before.
Result<void> Appliance::bring_back(std::size_t port) {
  PortRuntime& runtime = *ports_[port];
  auto fresh = open_device(config_, PortId{static_cast<uint16_t>(port)}, &runtime);
  if (!fresh) return std::unexpected(fresh.error());
  if (auto alike = check_likeness(*fresh, runtime.port, config_.ports[port]); !alike) return alike;
  runtime.withdraw();
  {
    const std::lock_guard lock(mutex_);
    runtime.port = std::move(*fresh);
  }
  auto resumed = steering_.resume(config_, runtime);
  const std::lock_guard lock(mutex_);
  if (!resumed) {
    runtime.port.close();
    return resumed;
  }
  runtime.history.trouble = PortTrouble::none;
  runtime.admit();
  set_rates();
  view_steering();
  return {};
}

}  // namespace bulkhead
