// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "classifier/match.hpp"
#include "classifier/parser.hpp"
#include "nic/error.hpp"

namespace bulkhead {

/// Whose a frame is: a slice's, nobody's, or not a well-formed frame at all.
class Verdict {
 public:
  Verdict() = default;  // undefined until assigned
  static constexpr Verdict of(SliceId slice) { return Verdict{slice.value()}; }
  /// Hardware took it for another slice's than it is: it goes no further, and is counted there.
  static constexpr Verdict stranger() { return Verdict{0xfffd}; }
  static constexpr Verdict unclaimed() { return Verdict{0xfffe}; }
  static constexpr Verdict malformed() { return Verdict{0xffff}; }

  [[nodiscard]] constexpr bool is_slice() const { return raw_ < 0xfffd; }
  /// Requires: is_slice().
  [[nodiscard]] constexpr SliceId slice() const { return SliceId{raw_}; }
  constexpr bool operator==(const Verdict&) const = default;

 private:
  constexpr explicit Verdict(uint16_t raw) : raw_(raw) {}
  uint16_t raw_;
};

/// How many pieces of entries one lookup may try at most, where that is the most, and whose they are
/// (ascending).
struct LongestLookup {
  size_t comparisons = 0;  // 0: the outermost tag decides everywhere
  PortId port;
  Vlan vlan;
  std::vector<SliceId> slices;
};

struct CompiledFlowspaces;

/// All flowspaces of the appliance, compiled for lookup. Immutable once compiled: any number of threads may
/// look up. Lookups allocate nothing and never throw.
///
/// A frame is parsed no deeper than the entries at its port and VLAN ask for, so a frame whose IP header is
/// broken is malformed only where some entry there looks at IP. Where an entry has the whole VLAN, or nobody
/// any of it, the outermost tag decides; otherwise decision trees do (flow_tree.hpp), whose depth no frame
/// can change.
class SliceTable {
 public:
  /// Where entries overlap, the higher precedence wins, then the earlier entry; entries of different slices
  /// and equal precedence are expected to be disjoint (see overlap.hpp). Refuses slices and ports out of
  /// range, and more entries than it can number.
  static Result<SliceTable> compile(std::vector<FlowspaceEntry> entries);

  SliceTable(SliceTable&&) noexcept;
  SliceTable& operator=(SliceTable&&) noexcept;
  ~SliceTable();

  /// Whose a frame is that lies in one piece of at least kTaggedHeaderSize bytes. `tag` receives the
  /// outermost tag, unless the frame is malformed.
  [[nodiscard]] Verdict classify(PortId port, const uint8_t* bytes, uint32_t length, FrameTag& tag) const {
    if (!read_tag(bytes, tag)) [[unlikely]]
      return Verdict::malformed();
    const uint32_t cell = cell_at(port, tag.vlan);
    if ((cell & kNeedsTrees) == 0) return verdict_in(cell);
    return classify_by_trees(port, bytes, length, tag, cell);
  }

  /// The same for any frame.
  [[nodiscard]] Verdict classify(PortId port, const FrameView& frame, FrameTag& tag) const;

  /// Whether all well-formed frames with this outermost tag have the same verdict, and nothing else is looked
  /// at.
  [[nodiscard]] bool tag_decides(PortId port, Vlan vlan) const {
    return (cell_at(port, vlan) & kNeedsTrees) == 0;
  }

  /// The same for headers that were parsed at least as deep as depth_at(port, vlan).
  [[nodiscard]] Verdict lookup(const Headers& headers) const;

  /// Which of the compiled entries claims these headers, as an index into what compile() was given.
  [[nodiscard]] std::optional<uint32_t> entry_of(const Headers& headers) const;

  /// How deep the entries at this port and VLAN look.
  [[nodiscard]] ParseDepth depth_at(PortId port, Vlan vlan) const;

  /// What no frame can exceed, whatever it holds. Takes time as compiling does: control thread.
  [[nodiscard]] LongestLookup longest_lookup() const;

  struct Group;  // of the compiled form

 private:
  friend class SliceTableCompiler;
  /// In a cell: the rest numbers a group of trees. Otherwise the rest is a slice, or kUnclaimedCell.
  static constexpr uint32_t kNeedsTrees = 0x8000'0000;
  static constexpr uint32_t kUnclaimedCell = 0xfffe;
  static_assert(Verdict::of(SliceId{kUnclaimedCell}) == Verdict::unclaimed());

  explicit SliceTable(std::unique_ptr<const CompiledFlowspaces> compiled);

  [[nodiscard]] static size_t cell_number(PortId port, Vlan vlan) {
    return size_t{port.value()} * Vlan::kCount + vlan.number();
  }
  [[nodiscard]] uint32_t cell_at(PortId port, Vlan vlan) const {
    const size_t number = cell_number(port, vlan);
    return number < cells_.size() ? cells_[number] : kUnclaimedCell;
  }
  [[nodiscard]] static Verdict verdict_in(uint32_t cell) {
    return Verdict::of(SliceId{static_cast<uint16_t>(cell)});
  }
  // Where the tag does not decide: by signature, else by trees, for all frames that are common in one go, for
  // the others by way of the parser.
  [[nodiscard]] Verdict classify_by_trees(PortId port, const uint8_t* bytes, uint32_t length, FrameTag tag,
                                          uint32_t cell) const;
  [[gnu::noinline]] [[nodiscard]] Verdict search(PortId port, const uint8_t* bytes, uint32_t length,
                                                 FrameTag tag, const Group& group) const;
  [[gnu::noinline]] [[nodiscard]] Verdict parse_and_search(PortId port, const FrameView& frame,
                                                           const Group& group) const;

  std::unique_ptr<const CompiledFlowspaces> compiled_;
  std::span<const uint32_t> cells_;  // of compiled_: for each port and VLAN number
};

}  // namespace bulkhead
