// SPDX-License-Identifier: Apache-2.0
#include "nic/frame_view.hpp"

#include <array>
#include <catch2/catch.hpp>

#include "tests/support/eal.hpp"
#include "tests/support/frames.hpp"

using namespace bulkhead;

TEST_CASE("a view in one piece reads in place and never past the end", "[frame_view]") {
  const std::array<uint8_t, 4> bytes{1, 2, 3, 4};
  const FrameView view(bytes.data(), bytes.size());
  std::array<uint8_t, 8> scratch{};
  CHECK(view.read(0, 4, scratch.data()) == bytes.data());
  CHECK(view.read(4, 0, scratch.data()) == bytes.data() + 4);
  CHECK(view.read(3, 2, scratch.data()) == nullptr);
  CHECK(view.read(5, 0, scratch.data()) == nullptr);
  CHECK(view.read(1, UINT32_MAX, scratch.data()) == nullptr);
  CHECK(view.read(UINT32_MAX, 2, scratch.data()) == nullptr);
}

TEST_CASE("a view of segments reads every range as if they were one piece", "[frame_view]") {
  const PacketPool pool = test::make_pool();
  const test::Frame frame = test::udp(test::kAlice, test::kBob, 64);
  const std::array<uint32_t, 4> sizes{5, 1, 30, 28};
  Burst owner;
  owner.push_back(test::segmented(pool, frame, sizes));
  const FrameView view = owner[0].view();
  CHECK(view.length() == 64);
  CHECK(view.contiguous() == 5);
  for (uint32_t offset = 0; offset <= 65; ++offset)
    for (uint32_t size = 0; size <= 65; ++size) {
      std::array<uint8_t, 65> scratch{};
      const uint8_t* const read = view.read(offset, size, scratch.data());
      const bool inside = offset + size <= 64;
      if ((read != nullptr) != inside) FAIL("offset " << offset << ", size " << size);
      if (inside && !std::equal(read, read + size, frame.begin() + offset)) FAIL("offset " << offset);
    }
}
