// SPDX-License-Identifier: Apache-2.0
// Rules are kept from plan to plan; it must not show in them by which way they have come about.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/control/steered_lab.hpp"

namespace bulkhead {
namespace {

using namespace test;

/// Slices that cut each other: a higher one's entries are within a lower one's, or are the same. From text to
/// text most stay as they are, and are cut otherwise.
class RandomTexts {
 public:
  /// All slices, of two classes each: a port has as many queues as are wanted when it is opened.
  std::string first() {
    for (uint32_t slice = 0; slice < 3; ++slice) sections_[slice] = section(slice, true);
    return SteeredLab::ports() + sections_[0] + sections_[1] + sections_[2];
  }

  std::string next(const std::string& flow_rules) {
    const uint32_t slice = below(3);
    sections_[slice] = below(4) == 0 ? "" : section(slice, below(2) == 0);
    if (sections_[0].empty()) sections_[0] = section(0, false);
    return SteeredLab::ports(flow_rules) + sections_[0] + sections_[1] + sections_[2];
  }

  uint32_t below(uint32_t end) { return static_cast<uint32_t>(random_() % end); }

 private:
  std::string section(uint32_t slice, bool has_classes) {
    std::string entries;
    for (uint32_t i = 0; i <= below(3); ++i) entries += (i > 0 ? ", " : "") + entry(slice);
    std::string text = "[[slice]]\nname = \"s" + std::to_string(slice) +
                       "\"\nforward = \"wire\"\nprecedence = " + std::to_string(slice) + "\nflowspace = [" +
                       entries + "]\n";
    if (has_classes) text += "[[slice.class]]\npcp = [4, 5, 6, 7]\n[[slice.class]]\npcp = [0, 1, 2, 3]\n";
    return text;
  }

  std::string entry(uint32_t slice) {
    std::string text = "{port = [\"left\", \"right\"], vlan = " + std::to_string(100 + below(3));
    if (slice > 0 && below(3) > 0) text += ", ip_dst = \"10.0.0." + std::to_string(16 * below(2)) + "/28\"";
    return text + "}";
  }

  std::mt19937 random_{53};
  std::array<std::string, 3> sections_;
};

/// The patterns of a NIC's rules, those that lead to one place together. To which does not matter.
using Steered = std::vector<std::vector<FlowPattern>>;

Steered steered_by(const SimulatedNic& nic) {
  std::map<FlowAction, std::vector<FlowPattern>> by_place;
  for (const FlowRule& rule : nic.rules()) by_place[rule.action].push_back(rule.pattern);
  Steered out;
  for (auto& [action, patterns] : by_place) {
    std::ranges::sort(patterns);
    out.push_back(std::move(patterns));
  }
  std::ranges::sort(out);
  return out;
}

/// A configuration, and what the NICs did when it was in force.
struct Applied {
  std::string text;
  Steered left;
  Steered right;
};

Applied applied(const std::string& text, SteeredLab& lab) {
  return {.text = text, .left = steered_by(lab.left_nic()), .right = steered_by(lab.right_nic())};
}

/// A change that must be in hardware, and of which a call to the NIC fails. False where it came to no such
/// call.
bool fail_to_apply(SteeredLab& lab, RandomTexts& texts) {
  const Applied before = applied("", lab);
  uint32_t calls_until = texts.below(6);
  const auto fail_once = [&](std::size_t) {
    return calls_until-- == 0 ? std::optional(Error("the bus is on fire")) : std::nullopt;
  };
  lab.left_nic().fault = fail_once;
  lab.right_nic().fault = fail_once;
  const bool failed = lab.reload(texts.next("hardware")) != "done";
  lab.left_nic().fault = nullptr;
  lab.right_nic().fault = nullptr;
  if (failed) CHECK(applied("", lab).left == before.left);
  if (failed) CHECK(applied("", lab).right == before.right);
  return failed;
}

TEST_CASE("whatever was applied before, and failed, a NIC has the rules of a fresh start", "[steering]") {
  RandomTexts texts;
  std::vector<Applied> good;
  std::size_t failures = 0;
  {
    SteeredLab lab("mlx5");
    lab.start(texts.first());
    for (int round = 0; round < 60; ++round) {
      if (texts.below(2) == 0) failures += fail_to_apply(lab, texts) ? 1 : 0;
      const std::string text = texts.next(texts.below(8) == 0 ? "software" : "auto");
      REQUIRE(lab.reload(text) == "done");
      good.push_back(applied(text, lab));
    }
  }
  CHECK(failures > 10);
  for (const Applied& then : good) {
    SteeredLab fresh("mlx5");
    fresh.start(then.text);
    INFO(then.text);
    CHECK(steered_by(fresh.left_nic()) == then.left);
    CHECK(steered_by(fresh.right_nic()) == then.right);
  }
}

}  // namespace
}  // namespace bulkhead
