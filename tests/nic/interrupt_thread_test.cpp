// SPDX-License-Identifier: Apache-2.0
#include "nic/interrupt_thread.hpp"

#include <rte_interrupts.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <thread>

#include "tests/support/eal.hpp"

using namespace bulkhead;
using namespace bulkhead::test;

TEST_CASE("work is done between interrupts, and only then the call returns", "[interrupt_thread]") {
  test_eal();
  const std::thread::id caller = std::this_thread::get_id();
  std::thread::id worker;
  bool is_interrupt_thread = false;
  between_interrupts([&] {
    worker = std::this_thread::get_id();
    is_interrupt_thread = rte_thread_is_intr() != 0;
  });
  CHECK(worker != caller);
  CHECK(is_interrupt_thread);
}

TEST_CASE("a handler that wants work done between interrupts does it at once", "[interrupt_thread]") {
  test_eal();
  std::thread::id outer;
  std::thread::id inner;
  between_interrupts([&] {
    outer = std::this_thread::get_id();
    between_interrupts([&] { inner = std::this_thread::get_id(); });
  });
  CHECK(inner == outer);
}

TEST_CASE("several threads' work does not overlap", "[interrupt_thread]") {
  test_eal();
  uint32_t done = 0;  // guarded by there being one such thread
  const auto hundred = [&] {
    for (int i = 0; i < 100; ++i) between_interrupts([&] { ++done; });
  };
  std::thread other(hundred);
  hundred();
  other.join();
  CHECK(done == 200);
}
