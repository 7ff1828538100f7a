// SPDX-License-Identifier: Apache-2.0
#include "control/config.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>

#include "control/config_sections.hpp"
#include "control/device_identity.hpp"
#include "control/toml_document.hpp"

namespace bulkhead {
namespace {

constexpr std::size_t kLargestFile = std::size_t{256} << 20;

/// A fault for every element whose key an earlier one has; `describe` names the key. Keyless ones are
/// skipped.
template <class Element, class Key>
void refuse_duplicates(const std::vector<Element>& elements, Key key, const std::string& what,
                       FaultList& faults) {
  std::map<typename decltype(key(elements.front()))::value_type, SourcePosition> seen;
  for (const Element& element : elements) {
    const auto value = key(element);
    if (!value) continue;
    const auto [first, added] = seen.emplace(*value, element.at);
    if (!added)
      faults.add(element.at, what + " is the same as at line " + std::to_string(first->second.line) +
                                 "; give each its own");
  }
}

std::optional<std::string> unless_empty(std::string text) {
  return text.empty() ? std::nullopt : std::optional(std::move(text));
}

/// Two ports cannot drive one device, nor two devices one interface of the kernel.
void refuse_shared_devices(const std::vector<PortConfig>& ports, FaultList& faults) {
  std::map<std::string, SourcePosition> taken;
  for (const PortConfig& port : ports) {
    if (port.device.empty()) continue;  // refused already
    for (const std::string& identity : device_identities(port.device)) {
      const auto [first, added] = taken.emplace(identity, port.at);
      if (added) continue;
      faults.add(port.at, "the port's device" +
                              (identity.starts_with("interface ") ? " has " + identity + ", which" : "") +
                              " is the same as at line " + std::to_string(first->second.line) +
                              "; give each its own");
      break;
    }
  }
}

void read_ports(TableReader& root, Config& config) {
  const auto nodes = root.tables("port", "port");
  for (const TomlNode& node : nodes) {
    if (config.ports.size() == kMaxPorts) {
      root.fault_at(node.at, std::to_string(nodes.size()) + " ports are too many; give at most " +
                                 std::to_string(kMaxPorts));
      break;
    }
    config.ports.push_back(read_port(node, root.faults()));
  }
  if (root.is_empty("port"))
    root.fault_at({}, "no [[port]] is given; add one for each network interface the appliance takes over");
  FaultList& faults = root.faults();
  refuse_duplicates(
      config.ports, [](const PortConfig& p) { return unless_empty(p.name); }, "the port's name", faults);
  refuse_shared_devices(config.ports, faults);
}

/// Leaves in `config` only slices in which nothing is wrong: of the others, what is missing would be taken
/// for its default, such as any VLAN.
void read_slices(TableReader& root, Config& config) {
  const PortNames names(config.ports);
  std::vector<bool> good;
  const auto nodes = root.tables("slice", "slice");
  for (const TomlNode& node : nodes) {
    if (config.slices.size() == kMaxSlices) {
      root.fault_at(node.at, std::to_string(nodes.size()) + " slices are too many; give at most " +
                                 std::to_string(kMaxSlices));
      break;
    }
    const std::size_t before = root.faults().size();
    config.slices.push_back(read_slice(node, names, root.faults()));
    good.push_back(root.faults().size() == before);
  }
  FaultList& faults = root.faults();
  refuse_duplicates(
      config.slices, [](const SliceConfig& s) { return unless_empty(s.name); }, "the slice's name", faults);
  refuse_duplicates(config.slices, [](const SliceConfig& s) { return s.vnet; }, "the slice's vnet", faults);
  std::size_t slice = 0;
  std::erase_if(config.slices, [&](const SliceConfig&) { return !good[slice++]; });
}

/// Dotted names of the tables given, but for those of single ports below slice.bandwidth.
std::vector<std::string> sections_of(const TomlNode::Table& root) {
  std::set<std::string> out;
  for (const TomlMember& member : root) {
    out.insert(member.key);
    const auto* elements = member.value.as<TomlNode::Array>();
    if (elements == nullptr) continue;
    for (const TomlNode& element : *elements)
      for (const TomlMember& inner : *element.as<TomlNode::Table>())
        if (inner.value.as<TomlNode::Table>() != nullptr || inner.value.as<TomlNode::Array>() != nullptr)
          out.insert(member.key + "." + inner.key);
  }
  return {out.begin(), out.end()};
}

PartialConfig unread(std::string file, ConfigFault fault) {
  PartialConfig out;
  out.config.file = std::move(file);
  out.faults.push_back(std::move(fault));
  return out;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::unexpected<ConfigFaults> unreadable(const std::string& file, int failure) {
  const std::string because = std::strerror(failure);
  return std::unexpected(ConfigFaults{
      file, {{{}, "cannot be read: " + because + "; name a TOML file that this user may read"}}});
}

std::expected<Config, ConfigFaults> whole(PartialConfig read) {
  if (read.faults.empty()) return std::move(read.config);
  return std::unexpected(ConfigFaults{std::move(read.config.file), std::move(read.faults)});
}

}  // namespace

PortNames::PortNames(std::span<const PortConfig> ports) {
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name.empty()) continue;  // refused already
    if (ids_.emplace(ports[i].name, PortId{static_cast<uint16_t>(i)}).second) names_.push_back(ports[i].name);
  }
}

std::optional<PortId> PortNames::find(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<PortId> SliceConfig::ports() const {
  std::array<bool, kMaxPorts> named{};
  for (const FlowspaceConfig& flowspace : flowspaces)
    for (const PortId port : flowspace.ports) named[port.value()] = true;
  std::vector<PortId> out;
  for (uint16_t port = 0; port < kMaxPorts; ++port)
    if (named[port]) out.emplace_back(port);
  return out;
}

std::string ConfigFaults::to_string() const {
  std::string out;
  for (const ConfigFault& fault : faults) {
    out += file;
    // Line 0 is the file as a whole, column 0 the line as a whole.
    if (fault.at.line != 0) out += ":" + std::to_string(fault.at.line);
    if (fault.at.line != 0 && fault.at.column != 0) out += ":" + std::to_string(fault.at.column);
    out += ": " + fault.message + "\n";
  }
  return out;
}

PartialConfig read_config(std::string_view text, std::string file) {
  const auto document = parse_toml(text);
  if (!document) return unread(std::move(file), document.error());
  FaultList faults;
  TableReader root(*document, "the file", faults);
  PartialConfig out;
  Config& config = out.config;
  if (const TomlNode* section = root.table("appliance", "appliance"))
    config.appliance = read_appliance(*section, faults);
  out.appliance_known = faults.size() == 0;
  if (const TomlNode* section = root.table("stats", "stats")) config.stats = read_stats(*section, faults);
  read_ports(root, config);
  read_slices(root, config);
  root.refuse_unknown();
  if (faults.size() == 0) config.sections_present = sections_of(root.members());
  config.file = std::move(file);
  out.faults = std::move(faults).take_sorted();
  return out;
}

std::expected<std::string, ConfigFaults> read_config_text(const std::string& file) {
  const std::unique_ptr<std::FILE, CloseFile> stream(std::fopen(file.c_str(), "rb"));
  if (stream == nullptr) return unreadable(file, errno);
  std::string text;
  std::array<char, 1 << 16> chunk;
  for (std::size_t read = 0; (read = std::fread(chunk.data(), 1, chunk.size(), stream.get())) > 0;) {
    text.append(chunk.data(), read);
    if (text.size() > kLargestFile) return unreadable(file, EFBIG);
  }
  if (std::ferror(stream.get()) != 0) return unreadable(file, errno);
  return text;
}

std::expected<Config, ConfigFaults> parse_config(std::string_view text, std::string file) {
  return whole(read_config(text, std::move(file)));
}

std::expected<Config, ConfigFaults> load_config(const std::string& file) {
  const auto text = read_config_text(file);
  if (!text) return std::unexpected(text.error());
  return parse_config(*text, file);
}

}  // namespace bulkhead
