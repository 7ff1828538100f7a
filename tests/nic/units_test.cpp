// SPDX-License-Identifier: Apache-2.0
#include "nic/units.hpp"

#include <catch2/catch.hpp>
#include <type_traits>

using namespace bulkhead;

// Units do not mix, and a number becomes a quantity only by saying so.
static_assert(!std::is_convertible_v<uint64_t, Bytes>);
static_assert(!std::is_convertible_v<Bytes, Cycles>);
static_assert(!std::is_constructible_v<Bytes, Cycles>);
static_assert(std::is_trivially_copyable_v<Cycles>);

TEST_CASE("literals say powers of ten for rates and of two for sizes", "[units]") {
  CHECK((10_Gbps).count() == 10'000'000'000);
  CHECK((3_Mbps).count() == 3'000'000);
  CHECK((64_kbps).count() == 64'000);
  CHECK((1_bps).count() == 1);
  CHECK((1_GiB).count() == 1'073'741'824);
  CHECK((2_MiB).count() == 2'097'152);
  CHECK((256_KiB).count() == 262'144);
  CHECK((9_B).count() == 9);
}

TEST_CASE("quantities add, subtract, scale and compare", "[units]") {
  Bytes bytes = 1_KiB + 24_B;
  CHECK(bytes == Bytes{1048});
  bytes -= 48_B;
  bytes += 1_B;
  CHECK(bytes.count() == 1001);
  CHECK(bytes - 1_B == Bytes{1000});
  CHECK(3_Mbps * 4 == 12_Mbps);
  CHECK(1_Mbps < 1_Gbps);
  CHECK(Cycles{}.count() == 0);
}
