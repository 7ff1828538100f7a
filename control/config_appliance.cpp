// SPDX-License-Identifier: Apache-2.0
// [appliance], [stats] and [[port]]: the machine as the operator sees it.
#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "control/config_sections.hpp"
#include "control/device_identity.hpp"
#include "control/listen_text.hpp"

namespace bulkhead {
namespace {

constexpr uint32_t kMostWorkers = 256;
constexpr uint32_t kMostCore = 1023;      // as many as the kernel's cpu_set_t has
constexpr Bytes kLeastMemory{16u << 20};  // some thousand packets: every queue's descriptors filled once

Parsed<std::vector<uint32_t>> parse_cores(std::string_view text) {
  return parse_number_list(text, kMostCore);
}

std::vector<std::string> read_eal(TableReader& table) {
  std::vector<std::string> out;
  const TomlMember* member = table.find("eal");
  if (member == nullptr) return out;
  const auto* array = member->value.as<TomlNode::Array>();
  if (array == nullptr) {
    table.fault(*member, "is " + std::string(member->value.kind()) + "; write a list: eal = [\"--no-pci\"]");
    return out;
  }
  for (const TomlNode& element : *array) {
    const auto* text = element.as<std::string>();
    if (text == nullptr || text->empty() || text->find('\0') != std::string::npos)
      table.fault_at(element.at,
                     "eal holds " +
                         (text == nullptr ? std::string(element.kind()) : "an empty string or NUL") +
                         "; write one DPDK argument in each string");
    else
      out.push_back(*text);
  }
  return out;
}

bool is_address(int family, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return inet_pton(family, host.c_str(), address.data()) == 1;
}

/// Whether only this machine can reach the endpoint.
bool is_local(std::string_view listen) {
  const auto parts = read_listen_text(listen);
  if (!parts) return false;
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, parts->host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
  if (inet_pton(AF_INET6, parts->host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return !parts->path.empty() || parts->host == "localhost";
}

/// Names other than localhost are not looked up: the answer may change, and with it who can reach the
/// endpoint.
Parsed<std::string> parse_listen(std::string_view text) {
  const auto parts = read_listen_text(text);
  if (!parts) return std::unexpected(parts.error());
  const std::string& host = parts->host;
  if (!parts->path.empty() || host == "localhost" || is_address(AF_INET, host) || is_address(AF_INET6, host))
    return std::string(text);
  return std::unexpected(
      "names no address of this machine; write \"127.0.0.1:9180\", \"[::1]:9180\" or "
      "\"unix:/run/bulkhead/stats.sock\"");
}

Parsed<std::string> parse_device(std::string_view text) {
  if (text.empty() || text.size() > 512 ||
      std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7f; }))
    return std::unexpected(
        "is not a device; write a PCI address such as 0000:3b:00.0 or a DPDK virtual device such as "
        "net_af_packet0,iface=veth1");
  return normal_device(text);
}

}  // namespace

ApplianceConfig read_appliance(const TomlNode& node, FaultList& faults) {
  TableReader table(node, "[appliance]", faults);
  ApplianceConfig out;
  out.at = table.at();
  if (const auto workers = table.integer("workers", 1, kMostWorkers))
    out.workers = static_cast<uint32_t>(*workers);
  out.cores = table.parsed("cores", "cores = \"1-2\"", parse_cores);
  if (out.cores && out.workers && out.cores->size() != *out.workers)
    table.fault_at_key("cores", "names " + std::to_string(out.cores->size()) + " cores for " +
                                    std::to_string(*out.workers) +
                                    " workers; name one core for each worker, or leave workers out");
  if (out.cores && !out.workers) out.workers = static_cast<uint32_t>(out.cores->size());
  if (const auto memory = table.parsed("memory", "memory = \"512MiB\"", parse_size)) {
    out.memory = *memory;
    if (*memory < kLeastMemory)
      table.fault_at_key(
          "memory", format_size(*memory) + " is too little; write at least " + format_size(kLeastMemory));
  }
  if (const auto idle = table.word("idle", {"nap", "poll"}))
    out.idle = *idle == 0 ? ApplianceConfig::Idle::nap : ApplianceConfig::Idle::poll;
  out.eal = read_eal(table);
  table.refuse_unknown();
  return out;
}

StatsConfig read_stats(const TomlNode& node, FaultList& faults) {
  TableReader table(node, "[stats]", faults);
  StatsConfig out;
  out.at = table.at();
  if (const auto listen = table.parsed("listen", "listen = \"127.0.0.1:9180\"", parse_listen))
    out.listen = *listen;
  out.token_file = table.string("token_file", "token_file = \"/etc/bulkhead/token\"");
  if (!is_local(out.listen) && table.find("token_file") == nullptr)
    table.fault_at_key("listen",
                       in_quotes(out.listen) +
                           " can be reached from other machines without a token; name a token_file, or "
                           "listen on a loopback address or a unix socket");
  table.refuse_unknown();
  return out;
}

PortConfig read_port(const TomlNode& node, FaultList& faults) {
  TableReader table(node, "[[port]]", faults);
  PortConfig out;
  out.at = table.at();
  out.name = read_name(table, "name = \"uplink\"");
  constexpr std::string_view kDevice = "device = \"0000:3b:00.0\" or device = \"net_af_packet0,iface=veth1\"";
  if (table.require("device", kDevice) != nullptr)
    out.device = table.parsed("device", kDevice, parse_device).value_or("");
  out.speed = table.parsed("speed", "speed = \"10Gbps\"", parse_rate);
  if (out.speed && out.speed->count() == 0)
    table.fault_at_key("speed",
                       "is zero; write the line rate, or leave it out to take what the device reports");
  using FlowRules = PortConfig::FlowRules;
  constexpr std::array kRules = {FlowRules::automatic, FlowRules::hardware, FlowRules::software};
  if (const auto rules = table.word("flow_rules", {"auto", "hardware", "software"}))
    out.flow_rules = kRules[*rules];
  table.refuse_unknown();
  return out;
}

}  // namespace bulkhead
