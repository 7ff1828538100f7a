// SPDX-License-Identifier: Apache-2.0
#include "control/build_slice.hpp"

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "shaper/claimed_ports.hpp"
#include "tests/control/config_text.hpp"
#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

namespace bulkhead {
namespace {

using namespace test;

EgressLimits limits_of(PortId port) { return {.max_frame = 1000u + port.value(), .takes_segments = false}; }

std::shared_ptr<SliceRuntime> build(const std::string& slice, ModelDecorator decorate = nullptr) {
  test_eal();
  const Config config = accepted(std::string(kTwoPorts) + slice);
  return build_slice(config.slices.at(0), {.queues = {.input = 64, .output = 100},
                                           .shares = port_shares(config, config.slices.at(0), {}),
                                           .limits = limits_of,
                                           .decorate = std::move(decorate)});
}

/// The ports (as bits) that a frame arriving at the slice's first port is sent to.
uint64_t sent_to(SliceRuntime& slice, const Frame& frame) {
  const PacketPool pool = make_pool();
  ForwardingOutputs scratch(kMaxPorts, pool);
  const Packet packet = packet_of(pool, frame);
  REQUIRE(slice.attachments()[0].input->queue.push({&packet, 1}) == 1);
  ClaimedPorts none({}, Cycles{1});
  const uint64_t ports = slice.visit(Cycles{1}, scratch, none).sent_to;
  slice.drop_queued();
  return ports;
}

TEST_CASE("a slice gets a queue pair at each of its ports, with the port's limits", "[build_slice]") {
  const auto slice = build(R"([[slice]]
name = "a"
forward = "wire"
flowspace = [{port = "office", vlan = 7}, {port = "uplink", vlan = 100}]
)");
  CHECK(slice->name() == "a");
  REQUIRE(slice->attachments().size() == 2);
  for (uint16_t port = 0; port < 2; ++port) {
    const SliceRuntime::Attachment& attachment = slice->attachments()[port];
    CHECK(attachment.port == PortId{port});
    CHECK(attachment.input->queue.capacity() == 64);
    CHECK(attachment.output->plan.queues.places == 100);
    CHECK(attachment.output->ring.capacity() == 128);
    CHECK(attachment.output->limits.max_frame == 1000u + port);
    CHECK_FALSE(attachment.output->limits.takes_segments);
  }
  CHECK(slice->attachments()[0].output->tag.single() == Vlan{100});
  CHECK(slice->attachments()[1].output->tag.single() == Vlan{7});
}

TEST_CASE("a wire passes what a switch keeps to itself", "[build_slice]") {
  const std::string places = "flowspace = [{port = [\"uplink\", \"office\"], vlan = \"untagged\"}]\n";
  const Frame reserved = udp(kAlice, MacAddress{0x0180'c200'0000});
  CHECK(sent_to(*build("[[slice]]\nname = \"a\"\nforward = \"wire\"\n" + places), reserved) == 0b10);
  const auto bridge = build("[[slice]]\nname = \"a\"\nforward = \"switch\"\n" + places);
  CHECK(sent_to(*bridge, reserved) == 0);
  CHECK(sent_to(*bridge, udp(kAlice, kBob)) == 0b10);
  CHECK(bridge->model().learned_addresses() == 1);
}

TEST_CASE("a switch knows stations by VLAN where frames keep theirs", "[build_slice]") {
  const auto learned = [](const std::string& vlans) {
    const auto slice = build(
        "[[slice]]\nname = \"a\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = " + vlans + "}]\n");
    sent_to(*slice, tag(udp(kAlice, kBob), 100));
    sent_to(*slice, tag(udp(kAlice, kBob), 101));
    return slice->model().learned_addresses();
  };
  CHECK(learned("\"100-199\"") == 2);
  CHECK(learned("100") == 1);
}

TEST_CASE("what is put around a slice's model forwards in its place", "[build_slice]") {
  struct Counting : ForwardingModel {
    Counting(std::unique_ptr<ForwardingModel> model, std::size_t& count)
        : inside(std::move(model)), packets(count) {}
    void forward(std::span<const Packet> burst, LocalPort ingress, Cycles now,
                 ForwardingOutputs& outputs) override {
      packets += burst.size();
      inside->forward(burst, ingress, now, outputs);
    }
    std::unique_ptr<ForwardingModel> inside;
    std::size_t& packets;
  };
  std::size_t packets = 0;
  std::string name;
  const auto slice = build(
      "[[slice]]\nname = \"a\"\nforward = \"wire\"\n"
      "flowspace = [{port = [\"uplink\", \"office\"], vlan = \"untagged\"}]\n",
      [&](const SliceConfig& config, std::unique_ptr<ForwardingModel> model) {
        name = config.name;
        return std::make_unique<Counting>(std::move(model), packets);
      });
  CHECK(name == "a");
  CHECK(sent_to(*slice, udp(kAlice, kBob)) == 0b10);
  CHECK(packets == 1);
}

}  // namespace
}  // namespace bulkhead
