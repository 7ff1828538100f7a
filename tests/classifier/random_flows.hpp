// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>

#include "classifier/match.hpp"

namespace bulkhead::test {

/// Matches and frames from one small world of values, so that random ones meet often, on and beside
/// boundaries. Deterministic: the seed says all.
class RandomFlows {
 public:
  explicit RandomFlows(uint32_t seed) : engine_(seed) {}

  /// 0 .. count-1.
  uint32_t below(uint32_t count) { return std::uniform_int_distribution<uint32_t>{0, count - 1}(engine_); }
  bool one_in(uint32_t count) { return below(count) == 0; }

  /// Any combination of fields, also those that no frame can have. One field in `sparsity` is constrained.
  Match match(uint32_t sparsity = 4);
  /// What a frame can have, by this file's own understanding.
  Headers headers();

 private:
  template <uint32_t kLast>
  Interval<kLast> interval(uint32_t a, uint32_t b) {
    return {std::min(a, b), std::max(a, b)};
  }
  uint16_t vlan_number();
  uint16_t ethertype();
  uint64_t mac_bits();
  MaskedMac masked_mac();
  IpAddress address(IpAddress::Family family);
  IpSet ip_set();
  uint16_t proto();
  uint32_t l4_port();

  std::mt19937 engine_;
};

/// What a match means, spelled out bit by bit; shares no code with the product.
bool oracle_matches(const Match& match, const Headers& headers);

}  // namespace bulkhead::test
