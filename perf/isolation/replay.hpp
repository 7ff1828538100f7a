// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "perf/isolation/bench.hpp"

namespace bulkhead::perf {

/// A capture that is replayed without end into the appliance and ends in a null device: as fast as workers
/// go, with no generator to limit them. 8,192 frames of 64 bytes in 1,024 VLANs, in an order in which VLANs
/// that are near each other are far apart, `run` frames of one in a row.
class Replay {
 public:
  /// `sources`: ports that replay it, and as many sinks.
  Replay(std::size_t sources, uint32_t run);
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;
  ~Replay();

  static void write_capture(const std::string& path, uint32_t run);
  /// The n-th source and sink, as TOML: source0 and sink0, ...
  [[nodiscard]] std::string ports(std::size_t source) const;

  /// Frames a second with the VLANs divided into `slices` per source, measured for `seconds`. `cost`: cycles
  /// that each frame burns.
  [[nodiscard]] double rate(const Ground& ground, uint32_t slices, std::size_t workers, double seconds,
                            uint64_t cost = 0) const;

 private:
  std::size_t sources_;
  std::string directory_;
};

}  // namespace bulkhead::perf
