// SPDX-License-Identifier: Apache-2.0
#include "control/config_units.hpp"

#include <catch2/catch.hpp>

namespace bulkhead {

TEST_CASE("rates are powers of a thousand") {
  CHECK(parse_rate("0bps") == BitsPerSecond{0});
  CHECK(parse_rate("1bps") == 1_bps);
  CHECK(parse_rate("64kbps") == 64_kbps);
  CHECK(parse_rate("100Mbps") == 100_Mbps);
  CHECK(parse_rate("2 Gbps") == 2_Gbps);
  CHECK(parse_rate("2.5Gbps") == 2'500_Mbps);
  CHECK(parse_rate("0.000000001Gbps") == 1_bps);
  CHECK(parse_rate("100000Gbps") == 100'000_Gbps);
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(parse_size("1B") == 1_B);
  CHECK(parse_size("64KiB") == 64_KiB);
  CHECK(parse_size("1.5KiB") == 1536_B);
  CHECK(parse_size("512MiB") == 512_MiB);
  CHECK(parse_size("1024GiB") == 1024_GiB);
}

TEST_CASE("times and percentages") {
  using namespace std::chrono_literals;
  CHECK(parse_time("50us") == std::chrono::nanoseconds{50us});
  CHECK(parse_time("2ms") == std::chrono::nanoseconds{2ms});
  CHECK(parse_time("300s") == std::chrono::nanoseconds{300s});
  CHECK(parse_percent("0%") == 0u);
  CHECK(parse_percent("30%") == 3000u);
  CHECK(parse_percent("12.5%") == 1250u);
  CHECK(parse_percent("0.01%") == 1u);
  CHECK(parse_percent("250%") == 25000u);
  CHECK(parse_packets("500 packets") == 500u);
}

TEST_CASE("what is not a quantity is refused") {
  for (const char* text : {"",
                           " ",
                           "Gbps",
                           "2",
                           "2.Gbps",
                           ".5Gbps",
                           "-1Gbps",
                           "+1Gbps",
                           "2  Gbps",
                           "2Gbps ",
                           "2gbps",
                           "2GBps",
                           "1e3bps",
                           "0x10bps",
                           "2G bps",
                           "1.5bps",
                           "0.0000000001Gbps",
                           "100001Gbps",
                           "18446744073709551616bps",
                           "340282366920938463463374607431768211456bps"}) {
    INFO(text);
    CHECK_FALSE(parse_rate(text));
  }
  CHECK_FALSE(parse_size("1KB"));
  CHECK_FALSE(parse_size("1025GiB"));
  CHECK_FALSE(parse_time("5m"));
  CHECK_FALSE(parse_percent("0.001%"));
}

TEST_CASE("numbers are decimal or hexadecimal, and nothing else") {
  CHECK(parse_number("0", 10) == 0u);
  CHECK(parse_number("10", 10) == 10u);
  CHECK(parse_number("0xff", 255) == 255u);
  CHECK(parse_number("4294967295", UINT32_MAX) == UINT32_MAX);
  for (const char* text :
       {"", "11", "-1", "+1", "1 ", " 1", "0x", "0x-1", "1.0", "4294967296", "99999999999"}) {
    INFO(text);
    CHECK_FALSE(parse_number(text, 10));
  }
}

TEST_CASE("ranges and lists") {
  using Range = std::pair<uint32_t, uint32_t>;
  using Numbers = std::vector<uint32_t>;
  CHECK(parse_range("5", 9) == Range{5, 5});
  CHECK(parse_range("0-9", 9) == Range{0, 9});
  for (const char* text : {"", "-", "1-", "-1", "5-4", "0-10", "1-2-3"}) {
    INFO(text);
    CHECK_FALSE(parse_range(text, 9));
  }
  CHECK(parse_number_list("3", 7) == Numbers{3});
  CHECK(parse_number_list("5-7, 0", 7) == Numbers{0, 5, 6, 7});
  CHECK(parse_number_list("0-7", 7) == Numbers{0, 1, 2, 3, 4, 5, 6, 7});
  for (const char* text : {"", ",", "1,", ",1", "1,1", "0-7,0-7", "8", "1;2"}) {
    INFO(text);
    CHECK_FALSE(parse_number_list(text, 7));
  }
}

TEST_CASE("what is printed is read back, in the largest whole unit") {
  CHECK(format_rate(0_bps) == "0bps");
  CHECK(format_rate(2_Gbps) == "2Gbps");
  CHECK(format_rate(2'500_Mbps) == "2500Mbps");
  CHECK(format_rate(64'001_bps) == "64001bps");
  CHECK(format_size(0_B) == "0B");
  CHECK(format_size(64_KiB) == "64KiB");
  CHECK(format_size(1538_B) == "1538B");
  CHECK(format_size(1_GiB) == "1GiB");
  CHECK(format_percent(3000) == "30%");
  CHECK(format_percent(1250) == "12.5%");
  CHECK(format_percent(1) == "0.01%");
  for (uint64_t value = 1; value < 1'000'000'000'000; value = value * 7 + 3) {
    CHECK(parse_rate(format_rate(BitsPerSecond{value})) == BitsPerSecond{value});
    CHECK(parse_size(format_size(Bytes{value})) == Bytes{value});
  }
}

}  // namespace bulkhead
