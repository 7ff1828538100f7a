// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "classifier/forwarding.hpp"
#include "nic/clock.hpp"

namespace bulkhead::test {

/// A forwarding model that costs what it is told to: burns so many cycles of the clock for each packet, then
/// does what the model inside does.
class CostlyModel : public ForwardingModel {
 public:
  CostlyModel(std::unique_ptr<ForwardingModel> inside, Cycles each)
      : inside_(std::move(inside)), each_(each) {}

  void forward(std::span<const Packet> burst, LocalPort ingress, Cycles now,
               ForwardingOutputs& outputs) override {
    const Cycles begin = clock_now();
    const Cycles cost{each_.count() * burst.size()};
    while (clock_now() - begin < cost) {
    }
    inside_->forward(burst, ingress, now, outputs);
  }
  [[nodiscard]] uint64_t learned_addresses() const override { return inside_->learned_addresses(); }
  [[nodiscard]] uint64_t unlearned_addresses() const override { return inside_->unlearned_addresses(); }

 private:
  std::unique_ptr<ForwardingModel> inside_;
  Cycles each_;
};

}  // namespace bulkhead::test
