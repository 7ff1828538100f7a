// SPDX-License-Identifier: Apache-2.0
// How long it takes to prove that one more flowspace entry leaves 10,000 proved ones disjoint.
// usage: added_entry [REPETITIONS]      prints seconds, the median of as many different entries
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "control/isolation.hpp"

namespace {

constexpr uint32_t kEntries = 10'000;
constexpr uint32_t kPerSlice = 20;

/// Forty entries a VLAN, told apart by addresses and ports. `tenth` numbers the second byte of the address.
std::string entry(uint32_t number, uint32_t tenth) {
  return fmt::format(
      "[[slice.flowspace]]\nport = \"uplink\"\nvlan = {}\nip_src = \"10.{}.{}.0/24\"\nip_proto = \"udp\"\n"
      "l4_dst = \"{}-{}\"\n",
      number / 40 % 4094 + 1, tenth, number % 40, 1000 + number % 7 * 100, 1099 + number % 7 * 100);
}

bulkhead::Config proved_policy() {
  std::string text = "[[port]]\nname = \"uplink\"\ndevice = \"0000:00:00.0\"\nspeed = \"100Gbps\"\n";
  for (uint32_t number = 0; number < kEntries; ++number) {
    if (number % kPerSlice == 0) text += fmt::format("[[slice]]\nname = \"slice-{}\"\n", number / kPerSlice);
    text += entry(number, 0);
  }
  auto config = bulkhead::parse_config(text, "generated");
  if (!config || !bulkhead::prove_isolation(*config).empty()) std::abort();
  return std::move(*config);
}

bulkhead::FlowspaceConfig parsed(uint32_t number) {
  const std::string text =
      "[[port]]\nname = \"uplink\"\ndevice = \"0000:00:00.0\"\n[[slice]]\nname = \"added\"\n" +
      entry(number, 1);
  return bulkhead::parse_config(text, "added")->slices.front().flowspaces.front();
}

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 101;
  const bulkhead::Config policy = proved_policy();
  const bulkhead::ProvedFlowspaces proved(policy);
  std::vector<double> seconds;
  for (int i = 0; i < repetitions; ++i) {
    const bulkhead::FlowspaceConfig added = parsed(static_cast<uint32_t>(i) * 97 % kEntries);
    const auto begin = std::chrono::steady_clock::now();
    const auto faults = proved.prove_added(bulkhead::SliceId{0}, added);
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    if (!faults.empty()) std::abort();
  }
  std::ranges::sort(seconds);
  fmt::print("{:.9f}\n", seconds[seconds.size() / 2]);
}
