// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "control/certify_plan.hpp"

/// How the promises to single classes are tested: what the class is offered, and what the slice's other
/// classes are meanwhile. Pure functions.
namespace bulkhead {

/// What is offered to a class, and to those beside it.
struct ClassLoad {
  CertifyStep step;
  std::vector<BitsPerSecond> others;  // by stream of the subject; zero: not sent
};

/// The step for a test, where the slice is given `slice_rate` (its ceiling, where it is alone). At a
/// guarantee and of a strict class the others are overloaded: as much as makes up the slice's rate and a
/// quarter, and not less than a quarter more than the guarantee of each. Those that go first (strict ones
/// written before the class) send half of what they leave to everybody else's promises. Past a ceiling only
/// the class sends.
[[nodiscard]] ClassLoad class_load(const CertifySubject& subject, const ClassTest& test,
                                   BitsPerSecond slice_rate);

/// What a subject's test promises to its class, in place of what the slice is promised.
[[nodiscard]] CertifyTarget class_target(const CertifySubject& subject, const ClassTest& test);

}  // namespace bulkhead
