// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "tests/shaper/scheduled_port.hpp"

/// What the tests of the egress scheduler set up alike.
namespace bulkhead::test {

inline constexpr uint64_t kHz = 1'000'000'000;  // a cycle is a nanosecond
inline constexpr uint32_t kFrame = 1542;
inline constexpr uint32_t kPlenty = 50'000'000;
inline constexpr BitsPerSecond kNone{0};

inline Rates rates(BitsPerSecond guarantee, BitsPerSecond ceiling, uint32_t weight = 100,
                   Bytes burst = Bytes{8 * kFrame}) {
  return {guarantee, ceiling, weight, burst};
}

inline SliceRates slice(BitsPerSecond guarantee, BitsPerSecond ceiling, uint32_t weight = 100,
                        Bytes burst = Bytes{8 * kFrame}) {
  SliceRates result;
  result.rates = rates(guarantee, ceiling, weight, burst);
  return result;
}

inline ScheduledPort port_at(BitsPerSecond speed, const std::vector<SliceRates>& slices, uint64_t hz = kHz,
                             Bytes catch_up = Bytes{0}) {
  return ScheduledPort({speed, hz, Bytes{kFrame}, catch_up, static_cast<uint16_t>(slices.size()), {}},
                       slices);
}

inline double bits_a_second(uint64_t bytes, uint64_t cycles, uint64_t hz = kHz) {
  return static_cast<double>(bytes) * 8 * static_cast<double>(hz) / static_cast<double>(cycles);
}

inline void flood(ScheduledPort& port, std::size_t slices, uint64_t now = 0) {
  for (std::size_t i = 0; i < slices; ++i) port.arrive(now, i, 0, kFrame, kPlenty);
}

}  // namespace bulkhead::test
