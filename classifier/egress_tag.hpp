// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <vector>

#include "classifier/match.hpp"
#include "nic/packet.hpp"

namespace bulkhead {

/// Which VLANs a slice has at a port, and so how its frames are tagged when they leave there. Immutable.
class EgressTag {
 public:
  /// From the slice's flowspace entries at that port: one VLAN (or untagged) is written into every frame;
  /// several are left as they are, and a frame of another VLAN may not leave.
  explicit EgressTag(const std::vector<Match>& entries_at_port);

  /// Whether the frame has the tag it must have already.
  [[nodiscard]] bool is_ready(Packet packet) const {
    return always_single_ && packet.state().vlan == single_;
  }

  enum class Outcome : uint8_t { ready, wrong_vlan, no_room };
  /// Gives the frame the tag it must have: PCP, DEI and the tag's protocol identifier are kept; a tag that
  /// was not there is an 802.1Q customer tag with the packet's PCP. `wrong_vlan`: the slice does not have the
  /// frame's VLAN there, or taking the tag off would uncover another. `no_room`: no headroom for a tag.
  [[nodiscard]] Outcome apply(Packet packet) const;

  /// The one VLAN that frames leave with, where there is just one.
  [[nodiscard]] bool is_single() const { return always_single_; }
  [[nodiscard]] Vlan single() const { return single_; }

 private:
  Vlan single_;
  bool always_single_ = false;
  std::unique_ptr<std::bitset<Vlan::kCount>> allowed_;  // where not single
};

}  // namespace bulkhead
