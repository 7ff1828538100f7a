// SPDX-License-Identifier: Apache-2.0
#include "classifier/word_check.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <random>

using namespace bulkhead;

TEST_CASE("a word is a big-endian number under a mask", "[word_check]") {
  const std::array<uint8_t, 10> bytes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  CHECK(WordCheck{.mask = UINT64_MAX, .first = 0x0102030405060708, .span = 0, .offset = 1}.passes(
      bytes.data()));
  CHECK(WordCheck{.mask = 0xff00, .first = 0x0700, .span = 0, .offset = 1}.passes(bytes.data()));
  CHECK_FALSE(WordCheck{.mask = 0xff00, .first = 0x0800, .span = 0, .offset = 1}.passes(bytes.data()));
  CHECK(WordCheck{.mask = 0xff, .first = 8, .span = 1, .offset = -1}.passes(bytes.data() + 3));
  CHECK_FALSE(WordCheck{.mask = 0xff, .first = 10, .span = 1, .offset = -1}.passes(bytes.data() + 3));
  CHECK_FALSE(WordCheck::impossible().passes(bytes.data()));
}

TEST_CASE("exact words that fit one join, others stay", "[word_check]") {
  const WordCheck early{.mask = uint64_t{0xffff} << 48, .first = uint64_t{0x0800} << 48, .offset = -2};
  const WordCheck later{.mask = uint64_t{0xff} << 56, .first = uint64_t{0x45} << 56, .offset = 0};
  const WordCheck far{.mask = uint64_t{0xffff} << 48, .first = uint64_t{53} << 48, .offset = 22};
  const WordCheck range{.mask = uint64_t{0xff} << 56, .first = 0, .span = uint64_t{7} << 56, .offset = 1};
  CHECK(joined({far, later, early}).size() == 2);
  CHECK(joined({early, later})[0].first == (uint64_t{0x0800} << 48 | uint64_t{0x45} << 40));
  CHECK(joined({early, range}).size() == 2);
  CHECK(joined({later, WordCheck::impossible()}).size() == 2);
}

TEST_CASE("joined or not, the same bytes pass", "[word_check]") {
  std::mt19937_64 random{31};
  std::array<uint8_t, 48> bytes{};
  uint64_t passed = 0;
  for (int round = 0; round < 50'000; ++round) {
    for (uint8_t& byte : bytes) byte = random() % 2 == 0 ? 0 : 1;
    std::vector<WordCheck> words;
    for (auto count = random() % 5; count > 0; --count) {
      // One byte somewhere in the word, so that some masks can be moved into another word and some cannot.
      const auto shift = 8 * (random() % 8);
      words.push_back({.mask = uint64_t{0xff} << shift,
                       .first = (random() % 2) << shift,
                       .span = random() % 4 == 0 ? uint64_t{1} << shift : 0,
                       .offset = static_cast<int32_t>(random() % 32) - 8});
    }
    const auto pass = [&](const WordCheck& word) { return word.passes(bytes.data() + 8); };
    const bool expected = std::ranges::all_of(words, pass);
    passed += expected ? 1 : 0;
    if (std::ranges::all_of(joined(words), pass) != expected) FAIL("round " << round);
  }
  CHECK(passed > 10'000);
}
