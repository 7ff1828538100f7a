// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace bulkhead {

/// A whole number of one unit. Quantities of different units do not mix, and a plain number becomes a
/// quantity only by saying so: `BitsPerSecond{64'000}` or `10_Gbps`. Range checks belong where text or bytes
/// become a quantity; arithmetic here is as exact, and as unchecked, as that of uint64_t.
template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(uint64_t count) : count_(count) {}

  [[nodiscard]] constexpr uint64_t count() const { return count_; }

  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity& operator+=(Quantity other) { return count_ += other.count_, *this; }
  constexpr Quantity& operator-=(Quantity other) { return count_ -= other.count_, *this; }
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return a += b; }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return a -= b; }
  friend constexpr Quantity operator*(Quantity a, uint64_t factor) { return Quantity{a.count_ * factor}; }

 private:
  uint64_t count_ = 0;
};

using BitsPerSecond = Quantity<struct BitsPerSecondTag>;
using Bytes = Quantity<struct BytesTag>;
/// Ticks of the time stamp counter (x86 TSC, Arm CNTVCT), the clock of the data path.
using Cycles = Quantity<struct CyclesTag>;

using Nanoseconds = std::chrono::nanoseconds;

/// What every frame costs on the wire besides the bytes a NIC hands over (IEEE 802.3: 4 bytes frame check
/// sequence, 8 preamble and start delimiter, 12 inter-packet gap). Rates and bursts count it.
inline constexpr Bytes kWireOverhead{24};

inline namespace literals {
consteval BitsPerSecond operator""_bps(unsigned long long n) { return BitsPerSecond{n}; }
consteval BitsPerSecond operator""_kbps(unsigned long long n) { return BitsPerSecond{n * 1'000}; }
consteval BitsPerSecond operator""_Mbps(unsigned long long n) { return BitsPerSecond{n * 1'000'000}; }
consteval BitsPerSecond operator""_Gbps(unsigned long long n) { return BitsPerSecond{n * 1'000'000'000}; }
consteval Bytes operator""_B(unsigned long long n) { return Bytes{n}; }
consteval Bytes operator""_KiB(unsigned long long n) { return Bytes{n << 10}; }
consteval Bytes operator""_MiB(unsigned long long n) { return Bytes{n << 20}; }
consteval Bytes operator""_GiB(unsigned long long n) { return Bytes{n << 30}; }
}  // namespace literals

static_assert(sizeof(Bytes) == 8);

}  // namespace bulkhead
