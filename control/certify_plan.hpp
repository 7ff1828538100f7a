// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/certify.hpp"
#include "control/certify_stream.hpp"
#include "control/config.hpp"

namespace bulkhead {

/// A promise to one class that is tested.
struct ClassTest {
  CertifyStep::Kind kind = CertifyStep::Kind::class_guarantee;  // or class_ceiling, class_strict
  std::size_t stream = 0;
};

/// One slice at one egress port, and the frames that test it.
struct CertifySubject {
  PortId port;
  CertifyTarget target;
  std::vector<TestStream> streams;     // empty: there is nothing to test
  std::string why_not;                 // said of it then
  std::vector<ClassConfig> classes;    // in the order of service
  std::vector<ClassTest> class_tests;  // of the classes that the file names, in that order
  /// The PCPs of classes that are promised something and that no stream is in.
  std::vector<std::vector<uint8_t>> untested;
  bool is_judged = true;  // or else it only sends while all do

  /// What the streams' classes may send.
  [[nodiscard]] std::vector<BitsPerSecond> class_ceilings() const;
};

/// Every slice at every port of its own, in the order of the file. `slice`: the one that is judged; nothing:
/// all. Requires: its ports have a speed.
[[nodiscard]] std::vector<CertifySubject> certify_subjects(const Config& config,
                                                           const std::optional<std::string>& slice);

}  // namespace bulkhead
