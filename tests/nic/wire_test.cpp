// SPDX-License-Identifier: Apache-2.0
#include "nic/wire.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace bulkhead;

TEST_CASE("numbers are read most significant byte first, at any alignment", "[wire]") {
  const std::array<uint8_t, 9> bytes{0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
  CHECK(load_be16(&bytes[1]) == 0x0102);
  CHECK(load_be32(&bytes[1]) == 0x01020304);
  CHECK(load_be48(&bytes[1]) == 0x010203040506);
  CHECK(load_be64(&bytes[1]) == 0x0102030405060708);
}

TEST_CASE("numbers are written as they are read, and nothing beside them", "[wire]") {
  std::array<uint8_t, 9> bytes{};
  store_be16(&bytes[1], 0xa1b2);
  CHECK(bytes == std::array<uint8_t, 9>{0, 0xa1, 0xb2});
  store_be32(&bytes[1], 0xa1b2c3d4);
  CHECK(bytes == std::array<uint8_t, 9>{0, 0xa1, 0xb2, 0xc3, 0xd4});
  store_be48(&bytes[1], 0xa1b2c3d4e5f6);
  CHECK(bytes == std::array<uint8_t, 9>{0, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6});
}

TEST_CASE("an address is a group's by its first bit on the wire", "[wire]") {
  CHECK(MacAddress{0xffff'ffff'ffff}.is_group());
  CHECK(MacAddress{0x0180'c200'0000}.is_group());
  CHECK(MacAddress{0x3333'0000'0001}.is_group());
  CHECK_FALSE(MacAddress{0x0200'0000'0001}.is_group());
  CHECK_FALSE(MacAddress{0x00ff'ffff'ffff}.is_group());
}

TEST_CASE("untagged is no VID, and VLAN 0 is one", "[wire]") {
  CHECK_FALSE(Vlan{}.is_tagged());
  CHECK(Vlan::untagged().number() == 4095);
  CHECK(Vlan{0}.is_tagged());
  CHECK(Vlan{4094}.is_tagged());
}
