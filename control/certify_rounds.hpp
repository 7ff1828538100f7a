// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <vector>

#include "control/certify_plan.hpp"

/// In what order the tests run, and what is sent in each. Pure functions.
namespace bulkhead {

/// What counts together in a round: a slice's frames at a port, those of one of its classes, or those of the
/// others beside it.
struct CertifyPart {
  const CertifySubject* subject;
  CertifyTarget target;
  CertifyStep step;
  std::vector<BitsPerSecond> rates;  // by stream of the subject; zero: not sent
  bool is_judged = true;             // has a row
};

/// What is sent at once. The others beside a class follow it at once where `step.others` is more than zero.
using CertifyRound = std::vector<CertifyPart>;

/// Each judged subject alone, then its classes one by one, then all subjects at once, then again with a class
/// of each that is not overloaded: first the first of each, and so on. The subjects must outlive it.
[[nodiscard]] std::vector<CertifyRound> certify_rounds(const std::vector<CertifySubject>& subjects);

/// How long a round sends.
[[nodiscard]] CertifyTime time_of(const CertifyRound& round, std::chrono::duration<double> asked);

}  // namespace bulkhead
