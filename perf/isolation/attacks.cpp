// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/attacks.hpp"

#include <fmt/format.h>

#include "nic/clock.hpp"

namespace bulkhead::perf {
namespace {

constexpr double kGigabit = 1e9;
constexpr uint32_t kVictimLength = 256;
constexpr uint32_t kLongLength = 1514;
constexpr uint32_t kShortLength = 60;
constexpr double kVictimsPart = 0.5;  // of its guarantee, up to which it makes up for what was late
constexpr double kTimesTheirs = 10;
constexpr double kReserve = 0.10;  // of a core, for each aggressor

double frames_a_second(double bits, uint32_t length) { return bits / 8 / (length + 24); }

/// The victim, and aggressors with frames of `length` at ten times their guarantee.
Attack attack(const std::string& name, double guarantee, uint32_t length, std::size_t ports = 2,
              const std::string& forward = "wire") {
  Attack made{.name = name,
              .setup = {.slices = "", .ports = ports},
              .streams = {},
              .guarantee = static_cast<uint64_t>(guarantee),
              .learns = forward == "switch"};
  made.setup.slices =
      wire_slice("victim", 1, "cpu = { reserve = \"20%\" }\nbandwidth = { guarantee = \"1Gbps\" }\n");
  made.streams.push_back({.headers = headers_of(1, kVictimLength),
                          .length = kVictimLength,
                          .rate = frames_a_second(kVictimsPart * kGigabit, kVictimLength),
                          .fastest = frames_a_second(kGigabit, kVictimLength)});
  std::string names = "\"p0\", \"p1\"";
  for (std::size_t port = 2; port < ports; ++port) names += fmt::format(", \"p{}\"", port);
  for (uint32_t vlan = 2; vlan < 2 + kAggressors; ++vlan) {
    made.setup.slices += fmt::format(
        "[[slice]]\nname = \"aggressor-{0}\"\nforward = \"{1}\"\ncpu = {{ reserve = \"{2}%\" }}\n"
        "bandwidth = {{ guarantee = \"{3}Mbps\" }}\n[[slice.flowspace]]\nport = [{4}]\nvlan = {0}\n",
        vlan, forward, 100 * kReserve, guarantee / 1e6, names);
    made.streams.push_back({.headers = headers_of(vlan, length),
                            .length = length,
                            .rate = frames_a_second(kTimesTheirs * guarantee, length)});
  }
  return made;
}

/// A station that nobody has seen: Knuth's multiplicative hash meets all 2^32 before one comes again.
void other_source(uint8_t* frame, uint32_t n) { store_be32(frame + 8, n * 2654435761u); }

template <class Change>
Attack changed(Attack attack, Change change) {
  for (std::size_t i = 1; i < attack.streams.size(); ++i) change(attack.streams[i]);
  return attack;
}

Attack costly() {
  constexpr uint64_t kCost = 5000;
  Attack made = attack("costly", 0.1 * kGigabit, kShortLength);
  made.setup.costs = std::vector<uint64_t>(1 + kAggressors, kCost);
  made.setup.costs.front() = 0;
  return changed(std::move(made), [](Stream& stream) {
    stream.rate = kTimesTheirs * kReserve * static_cast<double>(clock_hz()) / kCost;
  });
}

}  // namespace

std::vector<Attack> attacks() {
  const auto small = [](const std::string& name, std::size_t ports = 2, const std::string& forward = "wire") {
    return attack(name, 0.1 * kGigabit, kShortLength, ports, forward);
  };
  return {attack("bandwidth", kGigabit, kLongLength), small("minimum-size"), costly(),
          small("flooding", 4, "switch"),
          // The IPv4 header promises more than the frame holds.
          changed(small("malformed"), [](Stream& stream) { store_be16(&stream.headers[20], 1500); }),
          changed(small("new-addresses", 2, "switch"), [](Stream& stream) { stream.craft = other_source; }),
          changed(attack("bursts", kGigabit, kLongLength), [](Stream& stream) { stream.burst = 512; })};
}

}  // namespace bulkhead::perf
