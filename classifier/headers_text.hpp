// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "classifier/headers.hpp"

namespace bulkhead {

/// "port uplink, vlan 100, ipv4 10.1.0.1 > 10.2.0.1, udp 1024 > 53": headers as operators read them in
/// refusals. MAC addresses, PCP and DSCP are named only where they differ from what `witness` (algebra.hpp)
/// gives to a field that is free, so that what no flowspace asked for does not clutter the sentence.
[[nodiscard]] std::string to_string(const Headers& headers, std::string_view port_name);

}  // namespace bulkhead
