// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "classifier/address_table.hpp"
#include "classifier/forwarding.hpp"
#include "nic/counter.hpp"

namespace bulkhead {

struct SwitchOptions {
  uint8_t ports = 2;
  uint32_t max_addresses = 4096;
  Cycles ageing;
  /// The slice keeps its frames' VLANs, so that each VLAN has stations of its own (independent VLAN learning,
  /// IEEE 802.1Q); else the slice is one broadcast domain whatever its frames are tagged with at a port.
  bool by_vlan = false;
  uint64_t hash_key = 0;
};

/// A learning bridge over the slice's ports (IEEE 802.1D-2004, 7.7 and 7.8): learns where source addresses
/// are, sends known destinations there, floods the rest within the slice, keeps link-local addresses to
/// itself.
class SwitchModel final : public ForwardingModel {
 public:
  explicit SwitchModel(const SwitchOptions& options);

  void forward(std::span<const Packet> burst, LocalPort ingress, Cycles now,
               ForwardingOutputs& outputs) override;
  [[nodiscard]] uint64_t learned_addresses() const override { return table_.size(); }
  [[nodiscard]] uint64_t unlearned_addresses() const override { return unlearned_.read(); }

 private:
  void forward_one(Packet packet, LocalPort ingress, Cycles now, ForwardingOutputs& outputs);
  void flood(Packet packet, LocalPort ingress, ForwardingOutputs& outputs) const;

  uint8_t ports_;
  bool by_vlan_;
  AddressTable table_;
  Counter unlearned_;  // worker: writes, control: reads
};

}  // namespace bulkhead
