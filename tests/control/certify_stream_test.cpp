// SPDX-License-Identifier: Apache-2.0
#include "control/certify_stream.hpp"

#include "classifier/slice_table.hpp"
#include "control/isolation.hpp"
#include "tests/control/config_text.hpp"

namespace bulkhead {
namespace {

constexpr PortId kUplink{0};
constexpr PortId kOffice{1};

std::string slice(const std::string& name, const std::string& rest) {
  return "[[slice]]\nname = \"" + name + "\"\n" + rest;
}

struct Case {
  Config config;
  std::vector<TestStream> streams;
};

/// The streams of the last slice of the text towards a port.
Case streams_to(PortId egress, const std::string& slices) {
  Config config = accepted(std::string(kTwoPorts) + slices);
  const SliceId last{static_cast<uint16_t>(config.slices.size() - 1)};
  auto streams = make_streams(config, last, egress, 512);
  return {std::move(config), std::move(streams)};
}

std::optional<SliceId> owner(const Config& config, PortId port, const std::vector<uint8_t>& frame) {
  const auto table = SliceTable::compile(flowspace_entries(config));
  FrameTag tag;
  const Verdict verdict =
      table->classify(port, FrameView(frame.data(), static_cast<uint32_t>(frame.size())), tag);
  return verdict.is_slice() ? std::optional(verdict.slice()) : std::nullopt;
}

Headers headers_of(const std::vector<uint8_t>& frame) {
  Headers headers;
  REQUIRE(
      parse(FrameView(frame.data(), static_cast<uint32_t>(frame.size())), kUplink, ParseDepth::l4, headers));
  return headers;
}

}  // namespace

TEST_CASE("a stream's frames are the slice's at the ingress") {
  const auto [config, streams] = streams_to(
      kOffice, slice("lab",
                     "forward = \"wire\"\nflowspace = [{port = [\"uplink\", \"office\"], vlan = 7, "
                     "ip_proto = \"udp\", l4_dst = 53, ip_dst = \"10.0.0.0/8\"}]\n"));
  REQUIRE_FALSE(streams.empty());
  const TestStream& stream = streams.front();
  CHECK(stream.ingress == kUplink);
  CHECK(stream.frame.size() == 512);
  CHECK(stream.wire == 536_B);
  CHECK(stream.greeting.empty());
  CHECK(owner(config, kUplink, stream.frame) == SliceId{0});
}

TEST_CASE("what entries of higher precedence take is left out") {
  const auto [config, streams] = streams_to(
      kOffice,
      slice("first", "precedence = 1\nflowspace = [{port = \"uplink\", vlan = 7, ip_proto = \"udp\"}]\n") +
          slice("rest", "flowspace = [{port = [\"uplink\", \"office\"], vlan = 7}]\n"));
  REQUIRE_FALSE(streams.empty());
  const TestStream& stream = streams.front();
  CHECK(owner(config, kUplink, stream.frame) == SliceId{1});
}

TEST_CASE("tags that come off or on count") {
  const std::string both =
      "forward = \"wire\"\nflowspace = [{port = \"uplink\", vlan = 7}, {port = \"office\", vlan = "
      "\"untagged\"}]\n";
  CHECK(streams_to(kOffice, slice("lab", both)).streams.front().wire == 532_B);
  CHECK(streams_to(kUplink, slice("lab", both)).streams.front().wire == 540_B);
}

TEST_CASE("where several VLANs may leave, the frame has one of them") {
  const auto [config, streams] =
      streams_to(kOffice, slice("lab",
                                "flowspace = [{port = \"uplink\", vlan = \"1-100\"}, {port = "
                                "\"office\", vlan = \"90-200\"}]\n"));
  REQUIRE_FALSE(streams.empty());
  const TestStream& stream = streams.front();
  const uint16_t vlan = headers_of(stream.frame).vlan.number();
  CHECK(vlan >= 90);
  CHECK(vlan <= 100);
}

TEST_CASE("a switch is told where the destination is") {
  const auto [config, streams] =
      streams_to(kOffice, slice("lab", "flowspace = [{port = [\"uplink\", \"office\"], vlan = 7}]\n"));
  REQUIRE_FALSE(streams.empty());
  const TestStream& stream = streams.front();
  REQUIRE_FALSE(stream.greeting.empty());
  CHECK(headers_of(stream.greeting).eth_src == headers_of(stream.frame).eth_dst);
  CHECK(headers_of(stream.frame).eth_src != headers_of(stream.frame).eth_dst);
  CHECK(owner(config, kOffice, stream.greeting) == SliceId{0});
}

TEST_CASE("each class that frames can be in has a stream, in the order of service") {
  const std::string classes =
      "[[slice.class]]\npcp = [0, 1]\nceiling = \"1Mbps\"\n[[slice.class]]\npcp = [2, 3]\nceiling = "
      "\"3Mbps\"\n[[slice.class]]\npcp = [4, 5, 6, 7]\nstrict = true\n";
  const auto [config, streams] = streams_to(
      kOffice, slice("lab", "flowspace = [{port = [\"uplink\", \"office\"], vlan = 7}]\n" + classes));
  REQUIRE(streams.size() == 3);
  CHECK(headers_of(streams[0].frame).pcp >= 4);
  CHECK(headers_of(streams[1].frame).pcp <= 1);
  CHECK(streams[0].class_ceiling == 0_bps);
  CHECK(streams[1].class_ceiling == 1_Mbps);
  CHECK(streams[2].class_ceiling == 3_Mbps);
  for (const TestStream& stream : streams) CHECK(owner(config, kUplink, stream.frame) == SliceId{0});
}

TEST_CASE("what may not be in a class is not sent in it") {
  const std::string untagged = "flowspace = [{port = [\"uplink\", \"office\"], vlan = \"untagged\"}]\n";
  CHECK(streams_to(kOffice, slice("lab", untagged)).streams.size() == 1);
  const std::string tagged = "flowspace = [{port = [\"uplink\", \"office\"], vlan = 7, pcp = \"2-4\"}]\n";
  CHECK(streams_to(kOffice, slice("lab", tagged)).streams.size() == 3);
  CHECK(streams_to(kOffice, slice("lab", tagged + "priority = {max = 3}\n")).streams.size() == 2);
}

TEST_CASE("small frames have room for their headers and the stamp") {
  const Config config = accepted(
      std::string(kTwoPorts) +
      slice("lab", "flowspace = [{port = [\"uplink\", \"office\"], vlan = 7, ethertype = \"ipv6\"}]\n"));
  const auto streams = make_streams(config, SliceId{0}, kOffice, 60);
  REQUIRE_FALSE(streams.empty());
  const TestStream& stream = streams.front();
  CHECK(stream.frame.size() >= 14 + 4 + 40 + kStampSize);
  CHECK(owner(config, kUplink, stream.frame) == SliceId{0});
}

TEST_CASE("a slice of one port has no way out of it") {
  CHECK(streams_to(kUplink, slice("lab", "flowspace = [{port = \"uplink\"}]\n")).streams.empty());
}

}  // namespace bulkhead
