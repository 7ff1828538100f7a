// SPDX-License-Identifier: Apache-2.0
#include "control/device_identity.hpp"

#include <algorithm>
#include <cctype>

#include "nic/port.hpp"

namespace bulkhead {
namespace {

bool is_hexadecimal(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/// Bus, device and function: "3b:00.0"
bool is_short_pci(std::string_view text) {
  return text.size() == 7 && text[2] == ':' && text[5] == '.' && is_hexadecimal(text.substr(0, 2), 2) &&
         is_hexadecimal(text.substr(3, 2), 2) && text[6] >= '0' && text[6] <= '7';
}

/// The argument's value, where `device` has it: "v1" for iface in "net_tap0,iface=v1".
std::string_view argument(std::string_view device, std::string_view key) {
  for (std::size_t comma = device.find(','); comma != std::string_view::npos;) {
    const std::size_t next = device.find(',', comma + 1);
    const std::string_view part = device.substr(comma + 1, next - comma - 1);
    if (part.starts_with(key) && part.substr(key.size()).starts_with('=')) return part.substr(key.size() + 1);
    comma = next;
  }
  return {};
}

}  // namespace

std::string normal_device(std::string_view device) {
  const std::string_view name = device.substr(0, device.find(','));
  const std::size_t behind_domain = name.size() < 8 ? 0 : name.size() - 7;
  const std::string_view domain = name.substr(0, behind_domain);
  const bool has_domain = domain.ends_with(':') && is_hexadecimal(domain.substr(0, domain.size() - 1), 4);
  if (!is_short_pci(name.substr(behind_domain)) || (!domain.empty() && !has_domain))
    return std::string(device);
  std::string out(name);
  if (domain.empty()) out.insert(0, ":");
  out.insert(0, 12 - out.size(), '0');  // dddd:bb:dd.f
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out + std::string(device.substr(name.size()));
}

bool is_pci(std::string_view device) {
  return !device.starts_with("net_") && device.substr(0, device.find(',')).contains(':');
}

std::vector<std::string> device_identities(std::string_view device) {
  std::vector<std::string> out{std::string(device.substr(0, device.find(',')))};
  const auto add_interface = [&](std::string_view key) {
    if (const std::string_view name = argument(device, key); !name.empty())
      out.push_back("interface " + std::string(name));
  };
  for (const std::string_view driver : {"af_packet", "af_xdp", "tap"})
    if (has_driver(device, driver)) add_interface("iface");
  if (has_driver(device, "tap")) add_interface("remote");
  return out;
}

bool collide(std::string_view a, std::string_view b) {
  const std::vector<std::string> others = device_identities(b);
  return std::ranges::any_of(device_identities(a), [&](const std::string& identity) {
    return std::ranges::find(others, identity) != others.end();
  });
}

}  // namespace bulkhead
