// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nic/units.hpp"

namespace bulkhead {

/// A value read from text, or what is wrong with the text and what would be right, to be put behind the name
/// of its key: `has no unit; write one of B, KiB, MiB, GiB, for example "64KiB"`.
template <class T>
using Parsed = std::expected<T, std::string>;

/// "2Gbps": bps, kbps, Mbps, Gbps in powers of 1000. A fraction is fine where whole bits per second result.
[[nodiscard]] Parsed<BitsPerSecond> parse_rate(std::string_view text);
/// "64KiB": B, KiB, MiB, GiB in powers of 1024.
[[nodiscard]] Parsed<Bytes> parse_size(std::string_view text);
/// "300s": us, ms, s.
[[nodiscard]] Parsed<std::chrono::nanoseconds> parse_time(std::string_view text);
/// "30%" to hundredths of a percent: at most two decimals.
[[nodiscard]] Parsed<uint32_t> parse_percent(std::string_view text);
/// "500 packets"
[[nodiscard]] Parsed<uint32_t> parse_packets(std::string_view text);

/// Decimal, or hexadecimal behind 0x; at most `most`.
[[nodiscard]] Parsed<uint32_t> parse_number(std::string_view text, uint32_t most);
/// "100-199" or "100", of numbers up to `most`.
[[nodiscard]] Parsed<std::pair<uint32_t, uint32_t>> parse_range(std::string_view text, uint32_t most);
/// "1-2,5": numbers and ranges up to `most`, ascending, none twice.
[[nodiscard]] Parsed<std::vector<uint32_t>> parse_number_list(std::string_view text, uint32_t most);

/// With the largest unit that leaves no fraction: 2Gbps, 1500Mbps. What parse_rate reads back.
[[nodiscard]] std::string format_rate(BitsPerSecond rate);
/// With the largest unit that leaves no fraction: 64KiB, 1538B. What parse_size reads back.
[[nodiscard]] std::string format_size(Bytes size);
/// Hundredths of a percent as 30% or 12.5%.
[[nodiscard]] std::string format_percent(uint64_t hundredths);

}  // namespace bulkhead
