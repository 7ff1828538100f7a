// SPDX-License-Identifier: Apache-2.0
#include "nic/packet_state.hpp"

#include <rte_mbuf_dyn.h>

#include <catch2/catch.hpp>

#include "nic/packet.hpp"
#include "tests/support/eal.hpp"

using namespace bulkhead;

TEST_CASE("the state's place is reserved, so that no driver's field can lie there", "[packet_state]") {
  test::test_eal();
  CHECK(reserve_packet_state());  // once more changes nothing
  const rte_mbuf_dynfield other{.name = "of_a_driver", .size = 4, .align = 4, .flags = 0};
  CHECK(rte_mbuf_dynfield_register_offset(&other, Packet::kStateOffset) < 0);
  CHECK(rte_mbuf_dynfield_register_offset(&other, Packet::kStateOffset + sizeof(PacketState) - 4) < 0);
}
