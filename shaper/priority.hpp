// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "nic/packet.hpp"

namespace bulkhead {

/// Which PCP a slice's packets have: from the tag, else from DSCP or the default, and never more than the
/// slice may use. A tag that says more is rewritten at once, so that whoever forwards or copies the frame
/// afterwards finds the priority that it has; the drop-eligible bit stays.
class Priority {
 public:
  struct Rules {
    uint8_t default_pcp = 0;  // of untagged frames
    bool from_dscp = false;   // untagged IP frames take PCP = DSCP / 8
    uint8_t max = 7;
    bool operator==(const Rules&) const = default;
  };

  Priority() = default;
  explicit Priority(const Rules& rules) : rules_(rules), changes_something_(rules != Rules{}) {}

  /// Gives each packet its PCP. Requires: state as the demultiplexer left it.
  void mark(std::span<const Packet> packets) const {
    if (!changes_something_) return;
    for (const Packet packet : packets) mark(packet);
  }

 private:
  void mark(Packet packet) const;

  Rules rules_;
  bool changes_something_ = false;
};

}  // namespace bulkhead
