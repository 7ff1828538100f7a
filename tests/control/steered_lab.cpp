// SPDX-License-Identifier: Apache-2.0
#include "tests/control/steered_lab.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace bulkhead::test {
namespace {

/// The test keeps the NIC; what the appliance gets goes to it.
class Borrowed final : public FlowTable {
 public:
  explicit Borrowed(FlowTable& table) : table_(table) {}
  Result<FlowHandle> create(const FlowRule& rule) override { return table_.create(rule); }
  Result<void> destroy(FlowHandle handle) override { return table_.destroy(handle); }
  Result<std::optional<uint64_t>> hits(FlowHandle handle) override { return table_.hits(handle); }

 private:
  FlowTable& table_;
};

std::shared_ptr<const Eal> the_eal(const Config& config) {
  static const std::shared_ptr<const Eal> eal = [&] {
    auto started = Appliance::start_eal(config, Bytes{32u << 20});
    if (!started) FAIL(started.error().message());
    return *started;
  }();
  return eal;
}

PacketPool frames_pool() {
  auto pool = PacketPool::create("frames", 8191, 2048);
  if (!pool) FAIL(pool.error().message());
  return std::move(*pool);
}

}  // namespace

std::string wires(std::initializer_list<uint16_t> vlans, const std::string& flow_rules) {
  std::string text = SteeredLab::ports(flow_rules);
  for (const uint16_t vlan : vlans)
    text += wire_section("v" + std::to_string(vlan), "left", "right", std::to_string(vlan));
  return text;
}

const NicProfile& family(const std::string& name) {
  return *std::ranges::find(nic_profiles(), name, &NicProfile::name);
}

const NicProfile& marking_nic() {
  static const NicProfile marking = [] {
    NicProfile profile = family("mlx5");
    profile.to_queue = false;
    return profile;
  }();
  return marking;
}

SteeredLab::SteeredLab(const std::string& name) : SteeredLab(family(name)) {}

SteeredLab::SteeredLab(const NicProfile& profile)
    : profile_(profile),
      eal_(the_eal(accepted(ports() + wire_section("any", "left", "right", "1")))),
      pool_(frames_pool()),
      left_("left", 1023, kQueues),
      right_("right", 1023, kQueues),
      left_nic_(profile_),
      right_nic_(profile_) {}

SteeredLab::~SteeredLab() { appliance_.reset(); }

std::string SteeredLab::ports(const std::string& flow_rules) {
  const std::string rules = "flow_rules = \"" + flow_rules + "\"\n";
  return appliance_section() + port_section("left", "net_ring_left") + rules +
         port_section("right", "net_ring_right") + rules;
}

ApplianceResult<void> SteeredLab::try_start(const std::string& text) {
  SteeringSeam seam{.profile = [this](const std::string&) { return &profile_; },
                    .table = [this](const std::string& port, const Port&) -> std::unique_ptr<FlowTable> {
                      return std::make_unique<Borrowed>(port == "left" ? left_nic_ : right_nic_);
                    }};
  auto started = Appliance::start(
      eal_, accepted(text), {0}, [](std::string) {},
      [this](const SliceConfig& slice, std::unique_ptr<ForwardingModel> model) {
        return decorate ? decorate(slice, std::move(model)) : std::move(model);
      },
      std::move(seam));
  if (!started) return std::unexpected(started.error());
  appliance_ = std::move(*started);
  return {};
}

void SteeredLab::start(const std::string& text) {
  if (auto started = try_start(text); !started) FAIL(started.error().message());
}

std::string SteeredLab::reload(const std::string& text) {
  const auto done = appliance_->reload(accepted(text));
  return done ? "done" : done.error().message();
}

bool SteeredLab::send(const Frame& frame) {
  const auto action = left_nic_.steer(frame);
  QueueId queue = action && action->kind == FlowAction::Kind::queue ? action->queue : QueueId{0};
  if (misled) queue = misled(queue);
  uint32_t mark = action ? action->mark : 0;
  if (mismarked) mark = mismarked(mark);
  // While a worker is kept from its core, all frames there are can be on their way.
  const Packet packet = pool_.allocate(frame);
  if (packet.mbuf() == nullptr) return false;
  if (mark != 0) set_mark(packet, mark);
  if (left_.inject(packet, queue)) return true;
  free_packets({&packet, 1});
  return false;
}

Snapshot::Slice SteeredLab::slice(const std::string& name) {
  Snapshot seen = appliance_->snapshot();
  const auto found = std::ranges::find(seen.slices, name, &Snapshot::Slice::name);
  if (found == seen.slices.end()) FAIL("no slice " << name);
  return *found;
}

Snapshot::SlicePort SteeredLab::at_left(const std::string& name) { return slice(name).ports.at(0); }

uint64_t SteeredLab::accounted_at_left() {
  const Snapshot seen = appliance_->snapshot();
  uint64_t sum = sum_of(seen.ports.at(0).unclaimed);
  for (const Snapshot::Slice& slice : seen.slices)
    sum += slice.ports.at(0).received.packets + slice.ports.at(0).isolation_violations;
  return sum;
}

}  // namespace bulkhead::test
