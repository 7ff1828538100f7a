// SPDX-License-Identifier: Apache-2.0
#include "tests/shaper/box.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "classifier/switch_model.hpp"
#include "classifier/wire_model.hpp"
#include "nic/clock.hpp"
#include "tests/support/costly_model.hpp"

namespace bulkhead::test {
namespace {

template <class Value>
Value value_of(Result<Value> result) {
  if (!result) {
    std::fprintf(stderr, "tests: %s\n", result.error().message().c_str());
    std::abort();
  }
  return std::move(*result);
}

Match match_of(uint16_t port, uint16_t vlan) {
  Match match;
  match.port = {port, port};
  match.vlan = {vlan, vlan};
  return match;
}

class FailingModel : public ForwardingModel {
 public:
  void forward(std::span<const Packet> burst, LocalPort ingress, Cycles,
               ForwardingOutputs& outputs) override {
    outputs.send(static_cast<LocalPort>(1 - ingress), burst[0]);
    throw std::runtime_error("a model that fails");
  }
};

/// Something happens while it forwards.
class EventfulModel : public ForwardingModel {
 public:
  EventfulModel(std::unique_ptr<ForwardingModel> inside, std::function<void()> meanwhile)
      : inside_(std::move(inside)), meanwhile_(std::move(meanwhile)) {}
  void forward(std::span<const Packet> burst, LocalPort ingress, Cycles now,
               ForwardingOutputs& outputs) override {
    inside_->forward(burst, ingress, now, outputs);
    meanwhile_();
  }

 private:
  std::unique_ptr<ForwardingModel> inside_;
  std::function<void()> meanwhile_;
};

std::unique_ptr<ForwardingModel> plain_model_of(const SliceSpec& spec) {
  if (spec.model == SliceSpec::Model::failing) return std::make_unique<FailingModel>();
  if (spec.model == SliceSpec::Model::wire) return std::make_unique<WireModel>();
  bool by_vlan = false;
  for (const SliceSpec::Place& place : spec.places) by_vlan = by_vlan || place.vlans.size() > 1;
  return std::make_unique<SwitchModel>(SwitchOptions{.ports = static_cast<uint8_t>(spec.places.size()),
                                                     .max_addresses = 1024,
                                                     .ageing = Cycles{UINT64_MAX / 2},
                                                     .by_vlan = by_vlan,
                                                     .hash_key = 1});
}

std::unique_ptr<ForwardingModel> model_of(const SliceSpec& spec) {
  std::unique_ptr<ForwardingModel> model = plain_model_of(spec);
  if (spec.meanwhile) model = std::make_unique<EventfulModel>(std::move(model), spec.meanwhile);
  if (spec.each != Cycles{}) model = std::make_unique<CostlyModel>(std::move(model), spec.each);
  return model;
}

}  // namespace

Account account_of(const SliceRuntime& slice) {
  Account account{.copied = slice.replicated.read()};
  for (const SliceRuntime::Attachment& attachment : slice.attachments()) {
    account.received += attachment.input->received.packets.read() + attachment.own->received.packets.read();
    account.queued += attachment.input->queue.size() + attachment.output->queued();
    for (const TrafficCounter& traffic : attachment.output->transmitted)
      account.transmitted += traffic.packets.read();
  }
  for (std::size_t i = 0; i < kDropReasons; ++i)
    account.dropped += dropped(slice, static_cast<DropReason>(i));
  return account;
}

uint64_t dropped(const SliceRuntime& slice, DropReason reason) {
  uint64_t sum = slice.dropped.read(reason);
  for (const SliceRuntime::Attachment& attachment : slice.attachments()) {
    sum += attachment.output->dropped.read(reason);
    if (reason == attachment.input->full_reason()) sum += attachment.input->dropped_full.read();
    if (reason == DropReason::cpu_budget) sum += attachment.input->dropped_budget.read();
  }
  return sum;
}

EgressPlan plan_of(const SliceSpec& spec) {
  constexpr std::array<uint8_t, 8> kOrder{7, 6, 5, 4, 3, 2, 0, 1};
  EgressPlan plan{.rates = spec.rates, .queues = {.class_of_pcp = {}, .limits = {}, .places = spec.capacity}};
  for (uint8_t number = 0; number < kOrder.size(); ++number)
    plan.queues.class_of_pcp[kOrder[number]] = number;
  return plan;
}

Box::Box(const std::string& name, std::size_t ports, uint32_t ring_size, uint32_t packets,
         BitsPerSecond speed, uint16_t own_queues)
    : pool_(make_pool(packets)) {
  static constexpr NicProfile kSteers{.name = "steers", .drivers = {}, .to_queue = true, .most_queues = 64};
  for (std::size_t i = 0; i < ports; ++i) {
    const std::string port_name = name + std::to_string(i);
    rings_.push_back(
        std::make_unique<RingDevice>(port_name, ring_size, static_cast<uint16_t>(own_queues + 1)));
    ports_.push_back(std::make_shared<PortRuntime>(port_name,
                                                   value_of(Port::open({.name = port_name,
                                                                        .device = rings_.back()->device(),
                                                                        .own_queues = own_queues,
                                                                        .profile = &kSteers},
                                                                       pool_)),
                                                   Egress::Options{.speed = speed, .clock_hz = clock_hz()}));
  }
}

std::shared_ptr<SliceRuntime> Box::unconnected(const SliceSpec& spec) {
  std::vector<SliceRuntime::Attachment> attachments;
  for (const SliceSpec::Place& place : spec.places) {
    std::vector<Match> entries;
    for (const uint16_t vlan : place.vlans) entries.push_back(match_of(place.port, vlan));
    attachments.push_back(
        {.port = PortId{place.port},
         .input = std::make_unique<SliceInput>(spec.capacity),
         .output = std::make_unique<SliceOutput>(plan_of(spec), EgressTag(entries), spec.limits)});
  }
  return std::make_shared<SliceRuntime>(spec.name, std::move(attachments), model_of(spec), spec.priority);
}

std::unique_ptr<Layout> Box::layout(const std::vector<BoxSlice>& slices, CpuPlan cpu) {
  std::vector<FlowspaceEntry> entries;
  std::vector<std::shared_ptr<SliceRuntime>> runtimes;
  for (const BoxSlice& slice : slices) {
    for (const SliceSpec::Place& place : slice.spec.places)
      for (const uint16_t vlan : place.vlans)
        entries.push_back(
            {.match = match_of(place.port, vlan), .slice = SliceId{static_cast<uint16_t>(runtimes.size())}});
    runtimes.push_back(slice.runtime);
  }
  auto layout = std::make_unique<Layout>(
      ++generation_, std::make_shared<const SliceTable>(value_of(SliceTable::compile(std::move(entries)))),
      ports_, runtimes, std::move(cpu));
  // As a data path does before it publishes a layout.
  for (const Layout::PortPlace& place : layout->ports()) {
    place.runtime->egress_claim.take();
    for (SliceOutput* output : place.outputs)
      if (output != nullptr) place.runtime->egress.attach(*output);
    place.runtime->egress_claim.release();
  }
  return layout;
}

uint64_t Box::unclaimed() const {
  uint64_t sum = 0;
  for (const auto& port : ports_)
    for (const DropReason reason : {DropReason::not_in_flowspace, DropReason::malformed})
      sum += port->unclaimed.read(reason);
  return sum;
}

}  // namespace bulkhead::test
