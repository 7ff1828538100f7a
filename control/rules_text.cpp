// SPDX-License-Identifier: Apache-2.0
#include "control/rules_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

namespace bulkhead {
namespace {

std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

std::string place_text(const Snapshot::Slice& slice, const Snapshot::SlicePort& port) {
  const std::string head = fmt::format("slice {} at port {}: ", slice.name, port.port);
  if (!port.steering) return head + "software\n";
  const Snapshot::Steering& steering = *port.steering;
  std::string text = head + steering.where;
  if (steering.class_queues.empty() && steering.queue) text += fmt::format(", queue {}", *steering.queue);
  if (!steering.class_queues.empty())
    text += fmt::format(", queues {}, {} (the highest class first)", fmt::join(steering.class_queues, ", "),
                        steering.queue.value_or(0));
  if (!steering.rules.empty()) text += ", " + counted(steering.rules.size(), "rule");
  if (!steering.why_not_hardware.empty()) text += "; not in hardware: " + steering.why_not_hardware;
  if (!steering.left_out.empty()) text += "; by the shared queue: " + steering.left_out;
  if (port.isolation_violations > 0)
    text += fmt::format("; {} of others came", counted(port.isolation_violations, "packet"));
  text += '\n';
  for (const std::string& rule : steering.rules) text += "  " + rule + '\n';
  for (const std::string& rule : steering.suspects) text += "  suspect: " + rule + '\n';
  return text;
}

}  // namespace

std::string rules_text(const Snapshot& snapshot) {
  std::string text;
  for (const Snapshot::Slice& slice : snapshot.slices)
    for (const Snapshot::SlicePort& port : slice.ports) text += place_text(slice, port);
  return text;
}

}  // namespace bulkhead
