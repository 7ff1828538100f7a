// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/certify.hpp"
#include "control/certify_stream.hpp"
#include "control/config.hpp"

namespace bulkhead {

/// One slice at one egress port, and the frames that test it.
struct CertifySubject {
  PortId port;
  CertifyTarget target;
  std::vector<TestStream> streams;  // empty: there is nothing to test
  std::string why_not;              // said of it then
  bool is_judged = true;            // or else it only sends while all do

  /// What the streams' classes may send.
  [[nodiscard]] std::vector<BitsPerSecond> class_ceilings() const;
};

/// Every slice at every port of its own, in the order of the file. `slice`: the one that is judged; nothing:
/// all. Requires: its ports have a speed.
[[nodiscard]] std::vector<CertifySubject> certify_subjects(const Config& config,
                                                           const std::optional<std::string>& slice);

}  // namespace bulkhead
