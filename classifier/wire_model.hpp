// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "classifier/forwarding.hpp"

namespace bulkhead {

/// A wire between the slice's two ports: what enters one leaves the other, link-local addresses included.
class WireModel final : public ForwardingModel {
 public:
  void forward(std::span<const Packet> burst, LocalPort ingress, Cycles now,
               ForwardingOutputs& outputs) override;
};

}  // namespace bulkhead
