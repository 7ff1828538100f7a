// SPDX-License-Identifier: Apache-2.0
#include "control/snapshot_source.hpp"

#include <catch2/catch.hpp>

#include "tests/control/lab.hpp"

namespace bulkhead {
namespace {

using namespace test;

TEST_CASE("a source says that it is starting, then what is counted, then what was counted last",
          "[snapshot_source]") {
  SnapshotSource source;
  const auto starting = source.latest();
  CHECK_FALSE(starting->ready);
  CHECK(starting->not_ready_because == "the appliance is starting");
  CHECK_FALSE(starting->version.empty());
  CHECK(starting->slices.empty());

  auto appliance =
      start_appliance(appliance_section() + port_section("left", "net_null0,no-rx=1") +
                      port_section("right", "net_null1,no-rx=1") + wire_section("a", "left", "right", "100"));
  source.attach(appliance.get());
  const auto running = source.latest();
  CHECK(running->ready);
  CHECK(running->slices.size() == 1);
  // However many ask, the counters are read once in a while only.
  auto next = source.latest();
  CHECK(eventually([&] { return (next = source.latest()) != running; }));
  CHECK(next->taken > running->taken);

  appliance->stop(std::chrono::nanoseconds{0});
  CHECK(eventually([&] { return source.latest()->not_ready_because == "the appliance is stopping"; }));
  source.attach(nullptr);
  appliance.reset();
  CHECK(source.latest()->slices.size() == 1);
  CHECK(source.latest() == source.latest());
}

}  // namespace
}  // namespace bulkhead
