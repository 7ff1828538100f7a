// SPDX-License-Identifier: Apache-2.0
#include "shaper/residence_histogram.hpp"

#include <catch2/catch.hpp>

using namespace bulkhead;

namespace {

constexpr uint64_t kMicrosecond = 1'000;  // cycles, of a clock of 1 GHz
const MicrosecondScale kScale(1'000'000'000);

std::size_t bucket_that_counts(Cycles residence) {
  ResidenceHistogram histogram;
  histogram.count(ResidenceHistogram::bucket_of(kScale.ceil(residence)), 0);
  std::size_t found = ResidenceHistogram::kBuckets;
  for (std::size_t i = 0; i < ResidenceHistogram::kBuckets; ++i) {
    if (histogram.packets(i, 0) == 0) continue;
    CHECK(found == ResidenceHistogram::kBuckets);
    found = i;
  }
  return found;
}

}  // namespace

TEST_CASE("bucket 0 ends at 1 us, bucket i at 2^i us, exactly, and the last never", "[residence_histogram]") {
  CHECK(ResidenceHistogram::bucket_of(0) == 0);
  CHECK(ResidenceHistogram::bucket_of(1) == 0);
  for (std::size_t i = 1; i < ResidenceHistogram::kBuckets - 1; ++i) {
    INFO("bucket " << i);
    CHECK(ResidenceHistogram::bucket_of((uint64_t{1} << (i - 1)) + 1) == i);
    CHECK(ResidenceHistogram::bucket_of(uint64_t{1} << i) == i);
  }
  CHECK(ResidenceHistogram::bucket_of((uint64_t{1} << 22) + 1) == 23);
  CHECK(ResidenceHistogram::bucket_of(uint64_t{1} << 40) == 23);
  CHECK(ResidenceHistogram::bucket_of(UINT64_MAX) == 23);
}

TEST_CASE("a residence just over a bound falls into the next bucket", "[residence_histogram]") {
  CHECK(bucket_that_counts(Cycles{0}) == 0);
  CHECK(bucket_that_counts(Cycles{1}) == 0);
  CHECK(bucket_that_counts(Cycles{kMicrosecond}) == 0);
  CHECK(bucket_that_counts(Cycles{kMicrosecond + 1}) == 1);
  CHECK(bucket_that_counts(Cycles{2 * kMicrosecond}) == 1);
  CHECK(bucket_that_counts(Cycles{2 * kMicrosecond + 1}) == 2);
  CHECK(bucket_that_counts(Cycles{4 * kMicrosecond}) == 2);
  CHECK(bucket_that_counts(Cycles{1'000'000 * kMicrosecond}) == 20);
  CHECK(bucket_that_counts(Cycles{UINT64_MAX}) == 23);
}

TEST_CASE("packets are counted by class, and their times summed up", "[residence_histogram]") {
  ResidenceHistogram histogram;
  for (int i = 0; i < 4; ++i) histogram.count(0, 7);
  histogram.count(0, 3);
  histogram.count(2, 3);
  histogram.add_time(Cycles{500}, 5);
  histogram.add_time(Cycles{3'000}, 1);
  CHECK(histogram.packets(0, 7) == 4);
  CHECK(histogram.packets(0, 3) == 1);
  CHECK(histogram.packets(2, 3) == 1);
  CHECK(histogram.packets(2, 7) == 0);
  CHECK(histogram.sum() == Cycles{500 * 5 + 3'000});
}

TEST_CASE("microseconds are rounded up, close to exactly at every clock", "[residence_histogram]") {
  for (const uint64_t hz :
       {1'000'000ull, 25'000'000ull, 1'000'000'000ull, 2'600'000'000ull, 5'000'000'000ull}) {
    INFO(hz << " Hz");
    const MicrosecondScale scale(hz);
    CHECK(scale.ceil(Cycles{0}) == 0);
    CHECK(scale.ceil(Cycles{1}) == 1);
    CHECK(scale.ceil(Cycles{hz}) <= 1'000'000);
    CHECK(scale.ceil(Cycles{hz}) >= 999'000);
    CHECK(scale.ceil(Cycles{UINT64_MAX}) > uint64_t{1} << 23);
  }
}
