// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "shaper/byte_cost.hpp"

namespace bulkhead {

/// A rate that is never exceeded: over any window T, bytes <= rate * T + burst, exactly. The generic cell
/// rate algorithm (ITU-T I.371): one instant instead of a token count, so that nothing needs refilling and no
/// remainder is lost. Who has credit may send one largest frame, so the burst that is achieved lies within
/// one frame of the burst that was asked for.
class Ceiling {
 public:
  /// Starts with a full bucket. A burst that holds no largest frame would let nothing pass: it is raised.
  Ceiling() = default;
  Ceiling(ByteCost cost, Bytes burst, Bytes largest_frame) : cost_(cost) { set_slack(burst, largest_frame); }

  /// Takes other limits over. What was used of the old burst stays used, in bytes.
  void change(ByteCost cost, Bytes burst, Bytes largest_frame, FineTime now) {
    if (busy_until_ > now) busy_until_ = now + cost.time_of(cost_.bytes_in(busy_until_ - now));
    cost_ = cost;
    set_slack(burst, largest_frame);
  }

  /// Uses the bucket up.
  void exhaust(FineTime now, Bytes largest_frame) {
    busy_until_ = now + slack_ + cost_.time_of(largest_frame);
  }

  [[nodiscard]] bool has_credit(FineTime now) const { return busy_until_ <= now + slack_; }
  /// The same for several frames at once.
  [[nodiscard]] bool has_credit_for(Bytes bytes, FineTime now) const {
    return std::max(busy_until_, now) + cost_.time_of(bytes) <= now + slack_;
  }
  /// When there will be credit. Requires: there is none.
  [[nodiscard]] FineTime credit_at() const { return busy_until_ - slack_; }

  void charge(FineTime now, Bytes bytes) { busy_until_ = std::max(busy_until_, now) + cost_.time_of(bytes); }

 private:
  void set_slack(Bytes burst, Bytes largest_frame) {
    slack_ = cost_.time_of(std::max(burst, largest_frame) - largest_frame);
  }

  FineTime busy_until_ = 0;  // when all that was sent would have passed at the rate
  FineTime slack_ = 0;       // how far ahead of that a largest frame may start
  ByteCost cost_;
};

}  // namespace bulkhead
