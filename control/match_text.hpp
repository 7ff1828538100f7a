// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "classifier/match.hpp"

namespace bulkhead {

/// The fields that a match names, but for its port, in the configuration's words:
/// `vlan 100-199, ip_src 10.1.0.0/16, ip_proto udp, l4_dst 53`; "all frames" where it names none.
[[nodiscard]] std::string match_text(const Match& match);

}  // namespace bulkhead
