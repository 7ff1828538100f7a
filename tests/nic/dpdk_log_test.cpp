// SPDX-License-Identifier: Apache-2.0
#include "nic/dpdk_log.hpp"

#include <rte_log.h>

#include <catch2/catch.hpp>

#include <vector>

using namespace bulkhead;

namespace {

void complain(const char* text) { rte_log(RTE_LOG_ERR, RTE_LOGTYPE_USER1, "%s", text); }

}  // namespace

TEST_CASE("DPDK's log arrives line by line, and its last line can be put into an error", "[dpdk_log]") {
  std::vector<std::string> lines;
  {
    DpdkLog log([&](std::string_view line) { lines.emplace_back(line); });
    CHECK(DpdkLog::take_last_line().empty());
    complain("first\nsecond\n");
    complain("thi");
    CHECK(DpdkLog::take_last_line() == " (second)");
    complain("rd\n\n");
    CHECK(DpdkLog::take_last_line() == " (third)");
    CHECK(DpdkLog::take_last_line().empty());
  }
  CHECK(lines == std::vector<std::string>{"first", "second", "third"});
}

TEST_CASE("without a log there is no last line", "[dpdk_log]") { CHECK(DpdkLog::take_last_line().empty()); }

TEST_CASE("a log without a receiver still remembers", "[dpdk_log]") {
  DpdkLog log(nullptr);
  complain("heard\n");
  CHECK(DpdkLog::take_last_line() == " (heard)");
}
