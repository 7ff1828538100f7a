// SPDX-License-Identifier: Apache-2.0
#include "tests/support/eal.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "nic/eal.hpp"

namespace bulkhead::test {
namespace {

[[noreturn]] void give_up(const Error& error) {
  std::fprintf(stderr, "tests: %s\n", error.message().c_str());
  std::abort();
}

}  // namespace

void test_eal() {
  static const Result<Eal> kEal = Eal::start(
      {.memory = 64_MiB, .pci_devices = {}, .arguments = {"--no-huge", "--no-pci"}, .log = nullptr});
  if (!kEal) give_up(kEal.error());
}

PacketPool make_pool(uint32_t packets, uint32_t data_room) {
  test_eal();
  static int made = 0;
  auto pool = PacketPool::create("test-pool-" + std::to_string(made++), packets, data_room);
  if (!pool) give_up(pool.error());
  return std::move(*pool);
}

}  // namespace bulkhead::test
