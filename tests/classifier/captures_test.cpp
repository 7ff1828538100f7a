// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "classifier/frame_builder.hpp"
#include "classifier/slice_table.hpp"
#include "tests/classifier/random_flows.hpp"

using namespace bulkhead;

namespace {

using Octets = std::vector<uint8_t>;

std::filesystem::path captures_directory() {
  const char* from_environment = std::getenv("BULKHEAD_CAPTURES");
  return from_environment != nullptr ? from_environment : BULKHEAD_TEST_CAPTURES;
}

/// The frames of a little-endian pcap file (draft-ietf-opsawg-pcap): 24 bytes, then 16 before each frame.
std::vector<Octets> read_capture(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  const Octets bytes{std::istreambuf_iterator<char>{in}, {}};
  std::vector<Octets> frames;
  for (size_t at = 24; at + 16 <= bytes.size();) {
    uint32_t size = 0;
    std::memcpy(&size, &bytes[at + 8], sizeof size);
    at += 16;
    if (size > bytes.size() - at) break;
    frames.emplace_back(&bytes[at], &bytes[at] + size);
    at += size;
  }
  return frames;
}

FrameView view(const Octets& frame) { return {frame.data(), static_cast<uint32_t>(frame.size())}; }

const uint8_t* read_across(const void* bytes, uint32_t offset, uint32_t size, uint8_t* scratch) {
  std::memcpy(scratch, static_cast<const uint8_t*>(bytes) + offset, size);
  return scratch;
}

bool is_claimed(const std::vector<FlowspaceEntry>& entries, const Headers& headers, SliceId slice) {
  for (const FlowspaceEntry& entry : entries) {
    if (entry.slice == slice && test::oracle_matches(entry.match, headers)) return true;
  }
  return false;
}

/// What a frame of a capture must satisfy, whatever it holds. True where it is well-formed.
bool check_frame(const Octets& frame, const std::vector<FlowspaceEntry>& entries, const SliceTable& table) {
  const FrameView whole = view(frame);
  const FrameView split{frame.data(), whole.length() / 2, whole.length(), frame.data(), read_across};
  Headers headers;
  Headers from_split;
  const bool good = parse(whole, PortId{0}, ParseDepth::l4, headers);
  REQUIRE(parse(split, PortId{0}, ParseDepth::l4, from_split) == good);
  FrameTag tag;
  const Verdict verdict = table.classify(PortId{0}, whole, tag);
  REQUIRE(table.classify(PortId{0}, split, tag) == verdict);
  if (!good) return false;
  REQUIRE(headers == from_split);
  REQUIRE(verdict == table.lookup(headers));
  if (verdict.is_slice()) REQUIRE(is_claimed(entries, headers, verdict.slice()));
  Headers again;
  const Octets rebuilt = build_frame(headers);
  REQUIRE(parse(view(rebuilt), PortId{0}, ParseDepth::l4, again));
  REQUIRE(again == headers);
  return true;
}

}  // namespace

TEST_CASE("every frame of the captures is understood or refused, in one piece and in two", "[captures]") {
  test::RandomFlows random{30};
  std::vector<FlowspaceEntry> entries;
  for (uint16_t i = 0; i < 200; ++i) entries.push_back({random.match(5), SliceId{i}, i, 0});
  const auto table = SliceTable::compile(entries);
  REQUIRE(table);
  struct Capture {
    const char* name;
    size_t frames;
    size_t least_well_formed;
  };
  for (const Capture& capture :
       {Capture{"office.pcap", 19'173, 19'000}, Capture{"hostile.pcap", 8'236, 4'000}}) {
    const auto file = captures_directory() / capture.name;
    if (!std::filesystem::exists(file)) {
      WARN("SKIPPED: " << file << " is not there; set BULKHEAD_CAPTURES to the folder that has it");
      continue;
    }
    const auto frames = read_capture(file);
    CHECK(frames.size() == capture.frames);
    size_t well_formed = 0;
    for (const Octets& frame : frames) well_formed += check_frame(frame, entries, *table) ? 1 : 0;
    INFO(capture.name);
    CHECK(well_formed >= capture.least_well_formed);
  }
}
