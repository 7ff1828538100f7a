// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "shaper/slice_rates.hpp"

namespace bulkhead::test {

/// The contract's rule for one port, taken literally: traffic is a liquid, and at every moment each class
/// flows at the rate that the rule gives it. Slow, in floating point, and shares nothing with the scheduler.
///
/// Of a slice's rate, and of a class's within its slice: the guarantee, plus a weighted share of what the
/// guarantees in use leave over, up to the demand and, once the burst is used up, the ceiling.
class FluidModel {
 public:
  /// `speed` in bytes a second, as all rates here.
  FluidModel(double speed, const std::vector<SliceRates>& slices);

  void arrive(std::size_t slice, std::size_t number, double bytes);
  void advance(double seconds);

  [[nodiscard]] double served(std::size_t slice) const;
  [[nodiscard]] double served(std::size_t slice, std::size_t number) const {
    return slices_[slice].classes[number].served;
  }
  [[nodiscard]] double backlog(std::size_t slice) const;
  /// Total rate at this moment.
  [[nodiscard]] double rate();

 private:
  /// A slice or a class as the rule sees it.
  struct Flow {
    double guarantee = 0;
    double weight = 1;
    double ceiling = 0;
    double burst = 0;
    double credit = 0;
    bool capped = false;
    bool strict = false;
    double limit = 0;  // most it can use at this moment
    double rate = 0;
    double backlog = 0;  // of classes only, as the next
    double served = 0;
  };
  struct Slice {
    Flow own;
    std::vector<Flow> classes;
  };

  [[nodiscard]] Flow flow_of(const Rates& rates) const;
  static void divide(double rate, const std::vector<Flow*>& flows);
  static void divide_slice(Slice& slice);
  void set_rates();
  [[nodiscard]] double time_to_change(double most) const;
  void flow(double seconds);

  double speed_;
  std::vector<Slice> slices_;
};

}  // namespace bulkhead::test
