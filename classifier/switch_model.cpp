// SPDX-License-Identifier: Apache-2.0
#include "classifier/switch_model.hpp"

namespace bulkhead {
namespace {

/// 01:80:c2:00:00:00 to 0f: bridges do not forward them (IEEE 802.1D-2004, table 7-10).
bool is_reserved(MacAddress destination) { return destination.bits() >> 4 == 0x0180c2000000ull >> 4; }

}  // namespace

SwitchModel::SwitchModel(const SwitchOptions& options)
    : ports_(options.ports),
      by_vlan_(options.by_vlan),
      table_(options.max_addresses, options.ageing, options.hash_key) {}

void SwitchModel::forward(std::span<const Packet> burst, LocalPort ingress, Cycles now,
                          ForwardingOutputs& outputs) {
  for (const Packet packet : burst) forward_one(packet, ingress, now, outputs);
  table_.age_some(now);
}

void SwitchModel::forward_one(Packet packet, LocalPort ingress, Cycles now, ForwardingOutputs& outputs) {
  const MacAddress destination = MacAddress::load(packet.data());
  const MacAddress source = MacAddress::load(packet.data() + 6);
  const Vlan vlan = by_vlan_ ? packet.state().vlan : Vlan::untagged();
  // A station that finds no room is not learned; its traffic is flooded within the slice (802.1D, 7.8).
  if (!source.is_group() && !table_.learn(vlan, source, ingress, now)) unlearned_.add(1);
  if (is_reserved(destination)) return outputs.drop(packet, DropReason::reserved_address);
  if (destination.is_group()) return flood(packet, ingress, outputs);
  const auto port = table_.find(vlan, destination, now);
  if (!port) return flood(packet, ingress, outputs);
  // The destination is where the frame came from: it has already arrived.
  if (*port == ingress) return outputs.drop(packet, DropReason::no_output);
  outputs.send(*port, packet);
}

void SwitchModel::flood(Packet packet, LocalPort ingress, ForwardingOutputs& outputs) const {
  LocalPort last = ports_;
  for (LocalPort port = 0; port < ports_; ++port) {
    if (port == ingress) continue;
    if (last != ports_) outputs.send_copy(last, packet);
    last = port;
  }
  if (last == ports_) return outputs.drop(packet, DropReason::no_output);
  outputs.send(last, packet);  // the frame itself goes to the last port
}

}  // namespace bulkhead
