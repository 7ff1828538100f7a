// SPDX-License-Identifier: Apache-2.0
#include "control/config_units.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>

namespace bulkhead {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr Unit kRateUnits[] = {{"bps", 1}, {"kbps", 1'000}, {"Mbps", 1'000'000}, {"Gbps", 1'000'000'000}};
constexpr Unit kSizeUnits[] = {{"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};
constexpr Unit kTimeUnits[] = {{"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
constexpr Unit kPercentUnits[] = {{"%", 100}};
constexpr Unit kPacketUnits[] = {{"packets", 1}};

// Far above any port there is, and low enough that products with nanoseconds stay in 128 bits and sums of
// thousands of them in 64.
constexpr uint64_t kMostBitsPerSecond = 100'000'000'000'000;
constexpr uint64_t kMostBytes = uint64_t{1} << 40;
constexpr uint64_t kMostNanoseconds = uint64_t{1'000'000} * 1'000'000'000;
constexpr uint64_t kMostPercentHundredths = 10'240'000;  // of 1,024 cores
constexpr uint64_t kMostPackets = 1u << 30;

/// What a quantity looks like: its units, an example, its most.
struct Grammar {
  std::span<const Unit> units;
  std::string_view example;
  uint64_t most;
  std::string_view most_text;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string unit_names(std::span<const Unit> units) {
  std::string out = units.size() == 1 ? "" : "one of ";
  for (std::size_t i = 0; i < units.size(); ++i) out += (i > 0 ? ", " : "") + std::string(units[i].name);
  return out;
}

std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

std::string for_example(const Grammar& grammar) {
  return "write " + unit_names(grammar.units) + " behind the number, for example \"" +
         std::string(grammar.example) + "\"";
}

/// `digits[.digits]` times `factor`, where it is whole and fits; nothing otherwise.
std::optional<uint64_t> scaled(std::string_view whole, std::string_view fraction, uint64_t factor) {
  unsigned __int128 value = 0;
  unsigned __int128 denominator = 1;
  for (const char c : whole) {
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > UINT64_MAX) return {};
  }
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  if (fraction.size() > 9) return {};  // no unit is divisible by 10^10
  for (const char c : fraction) {
    value = value * 10 + static_cast<unsigned>(c - '0');
    denominator *= 10;
  }
  value *= factor;  // below 2^64 * 10^9 * 2^30
  if (value % denominator != 0 || value / denominator > UINT64_MAX) return {};
  return static_cast<uint64_t>(value / denominator);
}

Parsed<uint64_t> parse_quantity(std::string_view text, const Grammar& grammar) {
  const auto whole_end = std::ranges::find_if_not(text, is_digit);
  const std::string_view whole(text.begin(), whole_end);
  std::string_view rest(whole_end, text.end());
  std::string_view fraction;
  if (whole.empty()) return wrong("is not a number with a unit; " + for_example(grammar));
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = {rest.begin(), std::ranges::find_if_not(rest, is_digit)};
    rest.remove_prefix(fraction.size());
    if (fraction.empty()) return wrong("has no digit behind the point; " + for_example(grammar));
  }
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  if (rest.empty()) return wrong("has no unit; " + for_example(grammar));
  const auto unit = std::ranges::find(grammar.units, rest, &Unit::name);
  if (unit == grammar.units.end()) return wrong("has an unknown unit; " + for_example(grammar));
  const std::optional<uint64_t> value = scaled(whole, fraction, unit->factor);
  if (!value && fraction.empty())
    return wrong("is too large; write at most " + std::string(grammar.most_text));
  if (!value)
    return wrong("has too fine a fraction; round it" +
                 std::string(grammar.units.size() > 1 ? ", or write a smaller unit" : ""));
  if (*value > grammar.most) return wrong("is too large; write at most " + std::string(grammar.most_text));
  return *value;
}

/// The quantity as a T, which holds all up to the grammar's most.
template <class T>
Parsed<T> as(const Parsed<uint64_t>& quantity) {
  if (!quantity) return wrong(quantity.error());
  return static_cast<T>(*quantity);
}

std::string format_quantity(uint64_t value, std::span<const Unit> units) {
  std::size_t unit = units.size() - 1;
  while (unit > 0 && (value == 0 || value % units[unit].factor != 0)) --unit;
  return std::to_string(value / units[unit].factor) + std::string(units[unit].name);
}

}  // namespace

Parsed<BitsPerSecond> parse_rate(std::string_view text) {
  return as<BitsPerSecond>(parse_quantity(text, {kRateUnits, "2Gbps", kMostBitsPerSecond, "100000Gbps"}));
}

Parsed<Bytes> parse_size(std::string_view text) {
  return as<Bytes>(parse_quantity(text, {kSizeUnits, "64KiB", kMostBytes, "1024GiB"}));
}

Parsed<std::chrono::nanoseconds> parse_time(std::string_view text) {
  return as<std::chrono::nanoseconds>(
      parse_quantity(text, {kTimeUnits, "300s", kMostNanoseconds, "1000000s"}));
}

Parsed<uint32_t> parse_percent(std::string_view text) {
  return as<uint32_t>(parse_quantity(text, {kPercentUnits, "30%", kMostPercentHundredths, "102400%"}));
}

Parsed<uint32_t> parse_packets(std::string_view text) {
  return as<uint32_t>(
      parse_quantity(text, {kPacketUnits, "500 packets", kMostPackets, "1073741824 packets"}));
}

Parsed<uint32_t> parse_number(std::string_view text, uint32_t most) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = hexadecimal ? text.substr(2) : text;
  uint32_t value = 0;
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  const bool all_read = !digits.empty() && end == digits.data() + digits.size();
  if (!all_read || failure == std::errc::invalid_argument)
    return wrong("is not a number; write one of 0-" + std::to_string(most));
  if (failure == std::errc::result_out_of_range || value > most)
    return wrong("is too large; write at most " + std::to_string(most));
  return value;
}

Parsed<std::pair<uint32_t, uint32_t>> parse_range(std::string_view text, uint32_t most) {
  const std::size_t dash = text.find('-', 1);  // one in front is a minus
  const auto first = parse_number(text.substr(0, dash), most);
  const auto last = dash == text.npos ? first : parse_number(text.substr(dash + 1), most);
  if (!first) return wrong(first.error());
  if (!last) return wrong(last.error());
  if (*first > *last)
    return wrong("is a range that ends before it begins; write " + std::to_string(*last) + "-" +
                 std::to_string(*first));
  return std::pair(*first, *last);
}

Parsed<std::vector<uint32_t>> parse_number_list(std::string_view text, uint32_t most) {
  std::vector<uint32_t> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t comma = std::min(text.find(',', begin), text.size());
    std::string_view part = text.substr(begin, comma - begin);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const auto range = parse_range(part, most);
    if (!range) return wrong(range.error());
    // Every number once: a list longer than its domain repeats one, however it is written.
    if (out.size() + (range->second - range->first) > most)
      return wrong("names a number twice; name each once");
    for (uint32_t number = range->first; number <= range->second; ++number) out.push_back(number);
    begin = comma + 1;
  }
  std::ranges::sort(out);
  if (const auto twice = std::ranges::adjacent_find(out); twice != out.end())
    return wrong("names " + std::to_string(*twice) + " twice; name each once");
  return out;
}

std::string format_rate(BitsPerSecond rate) { return format_quantity(rate.count(), kRateUnits); }

std::string format_size(Bytes size) { return format_quantity(size.count(), kSizeUnits); }

std::string format_percent(uint64_t hundredths) {
  std::string out = std::to_string(hundredths / 100);
  if (const uint64_t rest = hundredths % 100; rest != 0) {
    out += '.';
    out += static_cast<char>('0' + rest / 10);
    if (rest % 10 != 0) out += static_cast<char>('0' + rest % 10);
  }
  return out + "%";
}

}  // namespace bulkhead
