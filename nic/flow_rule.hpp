// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "nic/ids.hpp"

/// Hardware flow rules as plain values: what a NIC is asked to do, before any NIC is asked (rte_flow, DPDK
/// programmer's guide, chapter "Generic flow API").
namespace bulkhead {

/// Numbers that agree with `value` where `mask` has ones. Invariant: value has no bit outside mask.
template <class Number>
struct Masked {
  Number value = 0;
  Number mask = 0;

  [[nodiscard]] constexpr bool is_any() const { return mask == 0; }
  [[nodiscard]] constexpr bool matches(Number number) const { return (number & mask) == value; }
  auto operator<=>(const Masked&) const = default;
};

/// Addresses that begin with the first `length` bits of `bytes`; IPv4 fills the first four of them.
struct FlowPrefix {
  std::array<uint8_t, 16> bytes{};
  uint8_t length = 0;

  [[nodiscard]] constexpr bool is_any() const { return length == 0; }
  auto operator<=>(const FlowPrefix&) const = default;
};

/// Frames by their headers, from the outside in: a stack of protocols and what their fields must hold. A
/// field may be asked for only where its protocol stands in the stack.
struct FlowPattern {
  enum class Tags : uint8_t {
    any,   // nothing is asked: what a device makes of tagged frames then differs (NicProfile)
    none,  // the frame has no tag
    one,   // it has one, and what follows in the stack follows that
  };
  enum class Network : uint8_t { any, ipv4, ipv6 };
  enum class Transport : uint8_t { any, tcp, udp, sctp };

  Tags tags = Tags::any;
  Network network = Network::any;
  Transport transport = Transport::any;

  Masked<uint64_t> eth_dst;  // 48 bits
  Masked<uint64_t> eth_src;
  Masked<uint16_t> ethertype;  // behind the tag; only where network is any
  Masked<uint16_t> vid;        // 12 bits; like pcp only where tags is one
  Masked<uint8_t> pcp;         // 3 bits
  FlowPrefix ip_src;           // like ip_dst and dscp only where network is not any
  FlowPrefix ip_dst;
  Masked<uint8_t> ip_proto;  // only where network is not, and transport is, any
  Masked<uint8_t> dscp;      // 6 bits
  Masked<uint16_t> l4_src;   // like l4_dst only where transport is not any
  Masked<uint16_t> l4_dst;

  auto operator<=>(const FlowPattern&) const = default;
};

/// What becomes of frames that fit: they come by a queue of their own, or by the shared one with a number on
/// them.
struct FlowAction {
  enum class Kind : uint8_t { queue, mark };
  Kind kind = Kind::queue;
  QueueId queue = QueueId{0};  // where kind is queue
  uint32_t mark = 0;           // where kind is mark; below kMostMarks

  auto operator<=>(const FlowAction&) const = default;
};

/// Marks that every family has room for are below this (hns3 has 12 bits).
inline constexpr uint32_t kMostMarks = 4095;

struct FlowRule {
  FlowPattern pattern;
  FlowAction action;
  uint8_t group = 0;
  uint8_t priority = 0;  // of no meaning among rules that have no frame in common

  auto operator<=>(const FlowRule&) const = default;
};

/// The rule as testpmd reads it, ready to paste: "flow create 0 ingress pattern eth / vlan vid is 100 / end
/// actions queue index 3 / end". `device` is testpmd's number of the port.
[[nodiscard]] std::string to_testpmd(const FlowRule& rule, unsigned device = 0);

}  // namespace bulkhead
