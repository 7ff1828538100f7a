// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/snapshot.hpp"

namespace bulkhead {

/// The two texts that Prometheus scrapes: its own exposition format 0.0.4 and OpenMetrics 1.0.0.
enum class MetricsFormat : uint8_t { prometheus, openmetrics };

/// Which of the two a client prefers that sent this Accept header (RFC 9110, 12.5.1). Prometheus's own format
/// unless OpenMetrics is named and ranks at least as high.
[[nodiscard]] MetricsFormat negotiate_metrics(std::string_view accept);

/// The value of Content-Type that goes with a format.
[[nodiscard]] std::string_view metrics_content_type(MetricsFormat format);

/// Every metric of the appliance as text. Series whose value is zero are there too, so that a rate or an
/// alert has something to start from. Any thread.
[[nodiscard]] std::string metrics_text(const Snapshot& snapshot, MetricsFormat format);

}  // namespace bulkhead
