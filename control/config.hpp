// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "classifier/match.hpp"
#include "nic/units.hpp"

namespace bulkhead {

/// A place in the configuration text, both counted from 1; line 0 means the file as a whole. All places are
/// equal: what is configured is the same wherever in the file it stands.
struct SourcePosition {
  uint32_t line = 0;
  uint32_t column = 0;
  friend constexpr bool operator==(SourcePosition, SourcePosition) { return true; }
};

/// [appliance]
struct ApplianceConfig {
  enum class Idle : uint8_t { nap, poll };
  std::optional<uint32_t> workers;             // default: usable cores - 1, at least 1
  std::optional<std::vector<uint32_t>> cores;  // default: the last `workers` usable cores
  Bytes memory{512u << 20};
  Idle idle = Idle::nap;
  std::vector<std::string> eal;
  SourcePosition at;

  bool operator==(const ApplianceConfig&) const = default;
};

/// [stats]
struct StatsConfig {
  std::string listen = "127.0.0.1:9180";  // "host:port", "[v6]:port" or "unix:/path"
  std::optional<std::string> token_file;
  SourcePosition at;

  bool operator==(const StatsConfig&) const = default;
};

/// [[port]]
struct PortConfig {
  enum class FlowRules : uint8_t { automatic, hardware, software };
  std::string name;
  std::string device;
  std::optional<BitsPerSecond> speed;
  FlowRules flow_rules = FlowRules::automatic;
  SourcePosition at;

  bool operator==(const PortConfig&) const = default;
};

/// One [[slice.flowspace]]: its matches, one for each port that it names.
struct FlowspaceConfig {
  std::vector<PortId> ports;
  std::vector<Match> matches;  // one for each of `ports`, alike but for the port
  SourcePosition at;

  bool operator==(const FlowspaceConfig&) const = default;
};

/// [slice.bandwidth] or [slice.bandwidth.PORT]; what is not given keeps the contract's default.
struct BandwidthConfig {
  std::optional<BitsPerSecond> guarantee;
  std::optional<BitsPerSecond> ceiling;
  std::optional<uint32_t> weight;
  std::optional<Bytes> burst;
  SourcePosition at;

  bool operator==(const BandwidthConfig&) const = default;
};

/// [slice.priority]
struct PriorityConfig {
  uint8_t default_pcp = 0;
  bool from_dscp = false;
  uint8_t max = 7;
  SourcePosition at;

  bool operator==(const PriorityConfig&) const = default;
};

/// [[slice.class]]: strict, or weighted with its own rates.
struct ClassConfig {
  std::vector<uint8_t> pcps;
  bool strict = false;
  std::optional<uint32_t> weight;
  std::optional<BitsPerSecond> guarantee;
  std::optional<BitsPerSecond> ceiling;
  std::optional<Bytes> queue_bytes;  // at most one of the two is given
  std::optional<uint32_t> queue_packets;
  SourcePosition at;

  bool operator==(const ClassConfig&) const = default;
};

/// [slice.cpu], in hundredths of a percent of one core
struct CpuConfig {
  uint32_t reserve = 0;
  uint32_t weight = 256;
  std::optional<uint32_t> cap;
  SourcePosition at;

  bool operator==(const CpuConfig&) const = default;
};

/// [[slice]]
struct SliceConfig {
  enum class Forward : uint8_t { wire, learning_switch };
  struct Vnet {
    uint32_t organisation = 0;
    uint32_t link = 0;
    auto operator<=>(const Vnet&) const = default;
  };
  std::string name;
  std::optional<Vnet> vnet;
  int32_t precedence = 0;
  Forward forward = Forward::learning_switch;
  std::vector<FlowspaceConfig> flowspaces;
  BandwidthConfig bandwidth;                                          // at every port
  std::vector<std::pair<PortId, BandwidthConfig>> bandwidth_at_port;  // overrides
  PriorityConfig priority;
  std::vector<ClassConfig> classes;
  CpuConfig cpu;
  std::optional<uint32_t> memory_packets;
  uint32_t max_addresses = 4096;
  std::chrono::nanoseconds ageing = std::chrono::seconds{300};
  SourcePosition at;

  bool operator==(const SliceConfig&) const = default;

  /// The ports that the slice's flowspace names, ascending, each once.
  [[nodiscard]] std::vector<PortId> ports() const;
};

/// A whole configuration file whose every value is within its range. Immutable once parsed. That the slices
/// can live together is not said yet: see isolation.hpp.
struct Config {
  std::string file;  // as the operator named it, for messages
  ApplianceConfig appliance;
  StatsConfig stats;
  std::vector<PortConfig> ports;    // PortId is the index
  std::vector<SliceConfig> slices;  // SliceId is the index
  std::vector<std::string>
      sections_present;  // dotted names of all tables given, e.g. "slice.bandwidth"; each once
};

/// One thing wrong with a configuration. Printed as `FILE:LINE:COLUMN: what is wrong; what would be right`.
struct ConfigFault {
  SourcePosition at;
  std::string message;
};

/// All that is wrong with a configuration, in the order of the file.
struct ConfigFaults {
  std::string file;
  std::vector<ConfigFault> faults;
  /// One line per fault, each ended by a newline.
  [[nodiscard]] std::string to_string() const;
};

/// A configuration as far as it could be read, so that more can be said of what was.
struct PartialConfig {
  Config config;                // without the slices in which something is wrong
  bool appliance_known = true;  // nothing is wrong in [appliance]
  std::vector<ConfigFault> faults;
};

/// Reads what can be read of a text. Never throws.
[[nodiscard]] PartialConfig read_config(std::string_view text, std::string file);

/// The text of a file, to be read by read_config.
[[nodiscard]] std::expected<std::string, ConfigFaults> read_config_text(const std::string& file);

/// Reads a configuration from text. `file` is only named in messages. Never throws.
[[nodiscard]] std::expected<Config, ConfigFaults> parse_config(std::string_view text, std::string file);

/// Reads a configuration from a file.
[[nodiscard]] std::expected<Config, ConfigFaults> load_config(const std::string& file);

}  // namespace bulkhead
