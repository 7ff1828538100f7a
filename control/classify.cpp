// SPDX-License-Identifier: Apache-2.0
#include "control/classify.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <vector>

#include "classifier/algebra.hpp"
#include "classifier/slice_table.hpp"
#include "control/capture_file.hpp"
#include "control/config_faults.hpp"
#include "control/isolation.hpp"
#include "control/report.hpp"

namespace bulkhead {
namespace {

constexpr int kExitRefused = 1;
constexpr int kExitUsage = 64;  // EX_USAGE of sysexits.h

/// "vlan 100, ipv4 10.1.0.1 > 10.2.0.1, udp 1024 > 53": as deep as the frame can be read.
std::string describe(const FrameView& frame, PortId port) {
  for (const ParseDepth depth : {ParseDepth::l4, ParseDepth::l3, ParseDepth::l2}) {
    Headers headers;
    if (!parse(frame, port, depth, headers)) continue;
    const std::string text = to_string(headers, "");
    const std::size_t port_end = text.find(", ");  // the port has a column of its own
    return port_end == text.npos ? text : text.substr(port_end + 2);
  }
  return std::to_string(frame.length()) + " bytes";
}

std::size_t longest_name(const auto& named) {
  std::size_t longest = 0;
  for (const auto& one : named) longest = std::max(longest, one.name.size());
  return longest;
}

/// Counts and prints what the table says of each packet.
class Classification {
 public:
  Classification(const Config& config, SliceTable table, std::vector<PortId> ports, std::ostream& out)
      : config_(config),
        table_(std::move(table)),
        ports_(std::move(ports)),
        entries_(flowspace_entries(config)),
        sources_(flowspace_sources(config)),
        packets_(config.slices.size()),
        out_(out),
        port_width_(std::max<std::size_t>(longest_name(config.ports), 4)),
        slice_width_(std::max<std::size_t>(longest_name(config.slices), 9)) {
    const uint32_t last_line = sources_.empty() ? 0 : sources_.back().at.line;
    entry_width_ = entry_text(last_line).size();
  }

  void header() { line("packet", "port", "slice", "entry", "frame"); }

  void add(const CapturedFrame& captured) {
    ++number_;
    const FrameView frame(captured.bytes.data(), static_cast<uint32_t>(captured.bytes.size()));
    const bool cut = captured.length > captured.bytes.size();
    const std::string what = describe(frame, ports_.front()) + (cut ? " (cut short by the capture)" : "");
    std::vector<SliceId> owners;
    bool is_malformed = false;
    for (const PortId port : ports_) {
      FrameTag tag;
      const Verdict verdict = table_.classify(port, frame, tag);
      is_malformed |= verdict == Verdict::malformed();
      if (!verdict.is_slice()) continue;
      owners.push_back(verdict.slice());
      line(std::to_string(number_), config_.ports[port.value()].name, slice_name(verdict.slice()),
           entry_of(frame, port, tag), what);
    }
    count(owners, is_malformed);
    if (!owners.empty()) return;
    const std::string port = ports_.size() == 1 ? config_.ports[ports_.front().value()].name : "any";
    line(std::to_string(number_), port, is_malformed ? "malformed" : "unclaimed", "-", what);
  }

  /// A packet that a slice owns at several ports counts once.
  void summary() {
    out_ << '\n' << number_ << (number_ == 1 ? " packet\n" : " packets\n");
    for (std::size_t slice = 0; slice < packets_.size(); ++slice)
      sum(config_.slices[slice].name, packets_[slice]);
    sum("unclaimed", unclaimed_);
    sum("malformed", malformed_);
  }

 private:
  const std::string& slice_name(SliceId slice) const { return config_.slices[slice.value()].name; }
  std::string entry_text(uint32_t line) const { return config_.file + ":" + std::to_string(line); }

  std::string entry_of(const FrameView& frame, PortId port, FrameTag tag) const {
    Headers headers;
    if (!parse(frame, port, table_.depth_at(port, tag.vlan), headers)) return "-";
    const auto entry = table_.entry_of(headers);
    return entry ? entry_text(sources_[entries_[*entry].source].at.line) : "-";
  }

  void count(std::vector<SliceId>& owners, bool is_malformed) {
    std::ranges::sort(owners);
    const auto repeated = std::ranges::unique(owners);
    owners.erase(repeated.begin(), repeated.end());
    for (const SliceId slice : owners) ++packets_[slice.value()];
    if (owners.empty()) ++(is_malformed ? malformed_ : unclaimed_);
  }

  void line(std::string_view number, std::string_view port, std::string_view slice, std::string_view entry,
            std::string_view frame) {
    constexpr int kNumberWidth = 6;
    out_ << std::right << std::setw(kNumberWidth) << number << "  " << std::left
         << std::setw(static_cast<int>(port_width_)) << port << "  "
         << std::setw(static_cast<int>(slice_width_)) << slice << "  "
         << std::setw(static_cast<int>(entry_width_)) << entry << "  " << frame << '\n';
  }

  void sum(const std::string& name, uint64_t packets) {
    out_ << "  " << std::left << std::setw(static_cast<int>(slice_width_)) << name << "  " << packets << '\n';
  }

  const Config& config_;
  SliceTable table_;
  std::vector<PortId> ports_;  // at least one
  std::vector<FlowspaceEntry> entries_;
  std::vector<FlowspaceSource> sources_;
  std::vector<uint64_t> packets_;  // by slice
  uint64_t number_ = 0, unclaimed_ = 0, malformed_ = 0;
  std::ostream& out_;
  std::size_t port_width_, slice_width_, entry_width_ = 0;
};

/// The port of that name, or all; nothing where there is none of that name.
std::vector<PortId> ports_named(const Config& config, const std::optional<std::string>& name) {
  std::vector<PortId> out;
  for (std::size_t i = 0; i < config.ports.size(); ++i)
    if (!name || config.ports[i].name == *name) out.emplace_back(static_cast<uint16_t>(i));
  return out;
}

int complain(std::ostream& err, const std::string& message, int status) {
  err << message << '\n';
  return status;
}

}  // namespace

int classify_command(const std::string& file, const std::string& capture,
                     const std::optional<std::string>& port, std::ostream& out, std::ostream& err) {
  const auto config = load_proved_config(file, Resources{});
  if (!config) {
    err << config.error().to_string();
    return kExitRefused;
  }
  std::vector<PortId> ports = ports_named(*config, port);
  if (ports.empty()) {
    std::vector<std::string_view> names;
    for (const PortConfig& known : config->ports) names.push_back(known.name);
    return complain(err,
                    "no [[port]] of " + file + " is named " + in_quotes(*port) + suggestion(*port, names),
                    kExitUsage);
  }
  auto opened = CaptureFile::open(capture);
  if (!opened) return complain(err, opened.error().message(), kExitRefused);
  auto table = SliceTable::compile(flowspace_entries(*config));
  if (!table) return complain(err, table.error().message(), kExitRefused);

  Classification classification(*config, *std::move(table), std::move(ports), out);
  classification.header();
  auto frame = opened->next();
  for (; frame && *frame; frame = opened->next()) classification.add(**frame);
  classification.summary();
  return frame ? 0 : complain(err, frame.error().message(), kExitRefused);
}

}  // namespace bulkhead
