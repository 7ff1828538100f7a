// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "control/certify_bench.hpp"
#include "control/certify_rounds.hpp"

namespace bulkhead {

struct CertifyOptions {
  std::string file;
  std::optional<std::string> slice;  // nothing: all of them
  double seconds = 1;                // for each row, or longer where a rate is low
  bool json = false;
};

/// The round's rows, as the last try left them: the next one only where other work was in the way. The thread
/// that started the bench.
[[nodiscard]] std::vector<CertifyRow> run_certify_round(CertifyBench& bench, const CertifyRound& round,
                                                        std::chrono::duration<double> asked);

/// `bulkhead certify FILE`: starts the data path at devices inside this process, sends each slice at each of
/// its ports what certify.hpp says, and reports to `out`. Returns the exit status: 1 where a row did not pass
/// or the configuration is refused. Main thread, once per process.
[[nodiscard]] int certify_command(const CertifyOptions& options, std::ostream& out, std::ostream& err);

}  // namespace bulkhead
