// SPDX-License-Identifier: Apache-2.0
#include "control/build_slice.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "classifier/switch_model.hpp"
#include "classifier/wire_model.hpp"
#include "control/egress_plan.hpp"
#include "nic/clock.hpp"

namespace bulkhead {
namespace {

uint64_t random_key() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

std::unique_ptr<ForwardingModel> build_model(const SliceConfig& config, std::size_t ports, bool by_vlan) {
  if (config.forward == SliceConfig::Forward::wire) return std::make_unique<WireModel>();
  return std::make_unique<SwitchModel>(SwitchOptions{.ports = static_cast<uint8_t>(ports),
                                                     .max_addresses = config.max_addresses,
                                                     .ageing = to_cycles(config.ageing),
                                                     .by_vlan = by_vlan,
                                                     .hash_key = random_key()});
}

}  // namespace

std::vector<Match> entries_at(const SliceConfig& config, PortId port) {
  std::vector<Match> entries;
  for (const FlowspaceConfig& flowspace : config.flowspaces)
    for (const Match& match : flowspace.matches)
      if (match.port.matches(port.value())) entries.push_back(match);
  return entries;
}

std::shared_ptr<SliceRuntime> build_slice(const SliceConfig& config, const SlicePlace& place) {
  std::vector<SliceRuntime::Attachment> attachments;
  bool by_vlan = false;
  for (const PortShare& share : place.shares) {
    EgressTag tag(entries_at(config, share.port));
    by_vlan = by_vlan || !tag.is_single();
    attachments.push_back(
        {.port = share.port,
         .input = std::make_unique<SliceInput>(place.queues.input),
         .output = std::make_unique<SliceOutput>(egress_plan(config, share, place.queues.output),
                                                 std::move(tag), place.limits(share.port))});
  }
  auto model = build_model(config, attachments.size(), by_vlan);
  if (place.decorate) model = place.decorate(config, std::move(model));
  auto slice = std::make_shared<SliceRuntime>(config.name, std::move(attachments), std::move(model),
                                              priority_rules(config.priority));
  slice->memory_quota = place.queues.quota;
  return slice;
}

}  // namespace bulkhead
