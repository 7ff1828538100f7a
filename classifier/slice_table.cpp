// SPDX-License-Identifier: Apache-2.0
#include "classifier/slice_table.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "classifier/common_frame.hpp"
#include "classifier/flow_tree.hpp"
#include "classifier/signature.hpp"

namespace bulkhead {
namespace {

constexpr size_t kDepths = 3;
constexpr size_t kMaxEntries = size_t{1} << 28;

/// Frames with this signature are the slice's.
struct SignedSlice {
  Signature signature;
  SliceId slice;
};

}  // namespace

/// The trees that decide for some ports and VLANs, and how deep their pieces look. Where there are few
/// pieces, the signatures of the first of them are tried before.
struct SliceTable::Group {
  uint32_t first_root = 0;
  uint16_t root_count = 0;
  ParseDepth depth = ParseDepth::l2;
  uint8_t signature_count = 0;
  uint32_t first_signature = 0;
};
static_assert(sizeof(SliceTable::Group) == 12);

namespace {

struct Owner {
  SliceId slice;
  uint32_t entry = 0;
};

bool has_one_vlan(const Piece& piece) { return piece.box.first[kDimVlan] == piece.box.last[kDimVlan]; }

}  // namespace

struct CompiledFlowspaces {
  FlowTrees trees;
  std::vector<Owner> owners;  // of each piece
  std::vector<SliceTable::Group> groups;
  std::vector<uint32_t> roots;  // of all groups
  std::vector<SignedSlice> signatures;
  std::vector<uint32_t> cells;        // see SliceTable
  std::vector<uint32_t> cell_pieces;  // which piece decides a cell that needs no trees, or FlowTrees::kNone

  [[nodiscard]] std::span<const uint32_t> roots_of(const SliceTable::Group& group) const {
    return std::span(roots).subspan(group.first_root, group.root_count);
  }
  template <class Coordinates>
  [[nodiscard]] uint32_t find(const SliceTable::Group& group, const Coordinates& point) const {
    uint32_t best = FlowTrees::kNone;
    for (const uint32_t root : roots_of(group)) best = trees.find(root, point, best);
    return best;
  }
  [[nodiscard]] Verdict verdict_of(uint32_t piece) const {
    return piece == FlowTrees::kNone ? Verdict::unclaimed() : Verdict::of(owners[piece].slice);
  }
};

/// Fills the cells, ports that the same entries name at a time. At each port, entries with one VLAN form a
/// tree of their own in that VLAN's cell; entries with many VLANs form trees that all cells share, one for
/// each parse depth, so that a VLAN without deep entries is not parsed deep.
class SliceTableCompiler {
 public:
  explicit SliceTableCompiler(std::span<const FlowspaceEntry> entries) {
    for (size_t i = 0; i < entries.size(); ++i) append_pieces(entries[i], static_cast<uint32_t>(i), pieces_);
    std::ranges::sort(pieces_, {}, [&](const Piece& piece) {
      return std::tuple{-int64_t{entries[piece.entry].precedence}, piece.entry, piece.box.first[kDimFamily]};
    });
    out_->trees = FlowTrees{pieces_, entries};
    for (const Piece& piece : pieces_) out_->owners.push_back({piece.slice, piece.entry});
  }

  SliceTable run() {
    std::set<uint64_t> starts;
    for (const Piece& piece : pieces_) {
      starts.insert(piece.box.first[kDimPort]);
      starts.insert(piece.box.last[kDimPort] + 1);
    }
    for (auto start = starts.begin(); start != starts.end() && std::next(start) != starts.end(); ++start) {
      compile_ports(*start, *std::next(start) - 1);
    }
    return SliceTable{std::move(out_)};
  }

 private:
  /// More shared entries than this are not copied into the tree of a VLAN.
  static constexpr size_t kFewShared = 8;
  static constexpr uint64_t kVlans = Vlan::kCount;
  /// More cost a frame that has none of them more than the tree would have.
  static constexpr size_t kMostSignatures = 4;

  /// The entries with many VLANs at the ports being compiled.
  struct Shared {
    std::vector<uint32_t> pieces;
    std::array<std::vector<uint32_t>, kDepths> roots;  // built when first needed
    std::vector<std::vector<uint32_t>> beginning{kVlans};
    std::vector<std::vector<uint32_t>> ended{kVlans + 1};
    std::set<uint32_t> active;  // at the VLAN being compiled, the winning ones first
    std::array<uint32_t, kDepths> active_depths{};
    std::array<uint32_t, 1u << kDepths> group_of_depths{};  // 0: none yet
  };

  void compile_ports(uint64_t first, uint64_t last) {
    std::vector<std::vector<uint32_t>> own(kVlans);
    Shared shared;
    for (uint32_t i = 0; i < pieces_.size(); ++i) {
      const Box& box = pieces_[i].box;
      if (box.last[kDimPort] < first || last < box.first[kDimPort]) continue;
      if (has_one_vlan(pieces_[i])) {
        own[box.first[kDimVlan]].push_back(i);
        continue;
      }
      shared.pieces.push_back(i);
      shared.beginning[box.first[kDimVlan]].push_back(i);
      shared.ended[box.last[kDimVlan] + 1].push_back(i);
    }
    Box ports = Box::everything();
    ports.first[kDimPort] = first;
    ports.last[kDimPort] = last;
    const Box tagged = vlans_of(ports, 0, Vlan::kUntagged - 1);
    const Box untagged = vlans_of(ports, Vlan::kUntagged, Vlan::kUntagged);
    out_->cells.resize((last + 1) * kVlans, SliceTable::kUnclaimedCell);
    out_->cell_pieces.resize(out_->cells.size(), FlowTrees::kNone);
    for (uint64_t vlan = 0; vlan < kVlans; ++vlan) {
      advance(shared, vlan);
      Box region = vlan == Vlan::kUntagged ? untagged : tagged;
      region.first[kDimVlan] = region.last[kDimVlan] = vlan;
      if (!own[vlan].empty() || !shared.active.empty()) compile_cell(own[vlan], shared, ports, region);
    }
    for (uint64_t port = first + 1; port <= last; ++port) {
      copy_row(out_->cells, first, port);
      copy_row(out_->cell_pieces, first, port);
    }
  }

  static void copy_row(std::vector<uint32_t>& rows, uint64_t from, uint64_t to) {
    const auto begin = rows.begin() + static_cast<ptrdiff_t>(from * kVlans);
    std::copy_n(begin, kVlans, rows.begin() + static_cast<ptrdiff_t>(to * kVlans));
  }

  void advance(Shared& shared, uint64_t vlan) const {
    for (const uint32_t piece : shared.ended[vlan]) {
      shared.active.erase(piece);
      --shared.active_depths[depth_number(piece)];
    }
    for (const uint32_t piece : shared.beginning[vlan]) {
      shared.active.insert(piece);
      ++shared.active_depths[depth_number(piece)];
    }
  }

  static Box vlans_of(const Box& ports, uint64_t first, uint64_t last) {
    Box box = ports;
    box.first[kDimVlan] = first;
    box.last[kDimVlan] = last;
    return tighten(box).value_or(box);
  }

  /// Who owns one VLAN at the ports; `region` is the frames of it.
  void compile_cell(const std::vector<uint32_t>& own, Shared& shared, const Box& ports, const Box& region) {
    const size_t cell = ports.first[kDimPort] * kVlans + region.first[kDimVlan];
    const auto covers = [&](uint32_t piece) { return bulkhead::covers(pieces_[piece], Region{region}); };

    std::vector<uint32_t> mine;
    for (const uint32_t piece : own) {
      mine.push_back(piece);
      if (covers(piece)) break;
    }
    const uint32_t decided = !mine.empty() && covers(mine.back()) ? mine.back() : FlowTrees::kNone;
    bool use_shared_trees = mine.empty();
    size_t count = 0;
    for (const uint32_t piece : shared.active) {
      if (piece > decided) break;
      if (++count > kFewShared) {
        use_shared_trees = true;
        break;
      }
      if (!use_shared_trees) mine.push_back(piece);
      if (covers(piece)) break;
    }
    if (mine.empty() && count == 0) return;
    const uint32_t first = mine.empty() ? *shared.active.begin() : *std::ranges::min_element(mine);
    if (covers(first)) {
      out_->cells[cell] = pieces_[first].slice.value();
      out_->cell_pieces[cell] = first;
      return;
    }
    std::ranges::sort(mine);
    const uint32_t group = mine.empty()       ? shared_group(shared, ports)
                           : use_shared_trees ? joint_group(mine, region, shared, ports)
                                              : own_group(mine, region);
    out_->cells[cell] = SliceTable::kNeedsTrees | group;
  }

  uint32_t own_group(const std::vector<uint32_t>& mine, const Box& region) {
    const uint32_t group = add_group(out_->trees.build(pieces_, mine, region), deepest(mine));
    add_signatures(out_->groups[group], mine, Vlan{static_cast<uint16_t>(region.first[kDimVlan])});
    return group;
  }

  /// In order of rank, up to the first piece that has none: a frame with a signature is a common one, so that
  /// lacking those before it was lying outside their pieces.
  void add_signatures(SliceTable::Group& group, const std::vector<uint32_t>& mine, Vlan vlan) {
    group.first_signature = static_cast<uint32_t>(out_->signatures.size());
    for (const uint32_t piece : mine) {
      const auto signatures = Signature::of(pieces_[piece], out_->trees.checks(), piece, vlan);
      if (!signatures || group.signature_count + signatures->size() > kMostSignatures) return;
      for (const Signature& signature : *signatures)
        out_->signatures.push_back({signature, pieces_[piece].slice});
      group.signature_count = static_cast<uint8_t>(group.signature_count + signatures->size());
    }
  }

  uint32_t joint_group(const std::vector<uint32_t>& mine, const Box& region, Shared& shared,
                       const Box& ports) {
    std::vector<uint32_t> roots = out_->trees.build(pieces_, mine, region);
    const ParseDepth depth = append_shared_roots(shared, ports, roots);
    return add_group(roots, std::max(depth, deepest(mine)));
  }

  /// Cells with nothing of their own share a group where the same depths are active.
  uint32_t shared_group(Shared& shared, const Box& ports) {
    size_t depths = 0;
    for (size_t d = 0; d < kDepths; ++d) depths |= size_t{shared.active_depths[d] != 0} << d;
    uint32_t& known = shared.group_of_depths[depths];
    if (known == 0) {
      std::vector<uint32_t> roots;
      const ParseDepth depth = append_shared_roots(shared, ports, roots);
      known = add_group(roots, depth) + 1;
    }
    return known - 1;
  }

  ParseDepth append_shared_roots(Shared& shared, const Box& ports, std::vector<uint32_t>& roots) {
    ParseDepth deepest_active = ParseDepth::l2;
    for (size_t d = 0; d < kDepths; ++d) {
      if (shared.active_depths[d] == 0) continue;
      deepest_active = static_cast<ParseDepth>(d);
      if (shared.roots[d].empty()) {
        std::vector<uint32_t> of_depth;
        std::ranges::copy_if(shared.pieces, std::back_inserter(of_depth),
                             [&](uint32_t piece) { return depth_number(piece) == d; });
        shared.roots[d] = out_->trees.build(pieces_, of_depth, *tighten(ports));
      }
      roots.insert(roots.end(), shared.roots[d].begin(), shared.roots[d].end());
    }
    return deepest_active;
  }

  uint32_t add_group(const std::vector<uint32_t>& roots, ParseDepth depth) {
    const auto number = static_cast<uint32_t>(out_->groups.size());
    out_->groups.push_back(
        {static_cast<uint32_t>(out_->roots.size()), static_cast<uint16_t>(roots.size()), depth});
    out_->roots.insert(out_->roots.end(), roots.begin(), roots.end());
    return number;
  }

  [[nodiscard]] size_t depth_number(uint32_t piece) const {
    return static_cast<size_t>(pieces_[piece].depth);
  }

  [[nodiscard]] ParseDepth deepest(const std::vector<uint32_t>& which) const {
    ParseDepth out = ParseDepth::l2;
    for (const uint32_t piece : which) out = std::max(out, pieces_[piece].depth);
    return out;
  }

  std::vector<Piece> pieces_;  // in order of rank
  std::unique_ptr<CompiledFlowspaces> out_ = std::make_unique<CompiledFlowspaces>();
};

Result<SliceTable> SliceTable::compile(std::vector<FlowspaceEntry> entries) {
  if (entries.size() > kMaxEntries) return fail("slice table: more than 2^28 flowspace entries");
  for (size_t i = 0; i < entries.size(); ++i) {
    const FlowspaceEntry& entry = entries[i];
    if (entry.slice.value() >= kMaxSlices || entry.match.port.last >= kMaxPorts) {
      return fail("slice table: entry " + std::to_string(i) + " names slice " +
                  std::to_string(entry.slice.value()) + " and ports up to " +
                  std::to_string(entry.match.port.last) + "; there are at most " +
                  std::to_string(kMaxSlices) + " slices and " + std::to_string(kMaxPorts) + " ports");
    }
  }
  return SliceTableCompiler{entries}.run();
}

SliceTable::SliceTable(std::unique_ptr<const CompiledFlowspaces> compiled)
    : compiled_(std::move(compiled)), cells_(compiled_->cells) {}
SliceTable::SliceTable(SliceTable&&) noexcept = default;
SliceTable& SliceTable::operator=(SliceTable&&) noexcept = default;
SliceTable::~SliceTable() = default;

Verdict SliceTable::classify(PortId port, const FrameView& frame, FrameTag& tag) const {
  if (frame.contiguous() == frame.length() && frame.length() >= kTaggedHeaderSize)
    return classify(port, frame.data(), frame.length(), tag);
  if (!parse_tag(frame, tag)) return Verdict::malformed();
  const uint32_t cell = cell_at(port, tag.vlan);
  return (cell & kNeedsTrees) == 0 ? verdict_in(cell)
                                   : parse_and_search(port, frame, compiled_->groups[cell & ~kNeedsTrees]);
}

Verdict SliceTable::classify_by_trees(PortId port, const uint8_t* bytes, uint32_t length, FrameTag tag,
                                      uint32_t cell) const {
  const Group& group = compiled_->groups[cell & ~kNeedsTrees];
  const uint32_t header = tag.vlan.is_tagged() ? kTaggedHeaderSize : kEthernetHeaderSize;
  const SignedSlice* candidate = compiled_->signatures.data() + group.first_signature;
  for (uint32_t n = 0; n < group.signature_count; ++n, ++candidate)
    if (candidate->signature.is_in(bytes + header, length - header)) return Verdict::of(candidate->slice);
  return search(port, bytes, length, tag, group);
}

Verdict SliceTable::search(PortId port, const uint8_t* bytes, uint32_t length, FrameTag tag,
                           const Group& group) const {
  const auto common = CommonFrame::recognise(bytes, length, tag);
  if (common) return compiled_->verdict_of(compiled_->find(group, *common));
  return parse_and_search(port, FrameView{bytes, length}, group);
}

Verdict SliceTable::parse_and_search(PortId port, const FrameView& frame, const Group& group) const {
  Headers headers;
  if (!parse(frame, port, group.depth, headers)) return Verdict::malformed();
  return compiled_->verdict_of(compiled_->find(group, point_of(headers)));
}

Verdict SliceTable::lookup(const Headers& headers) const {
  const uint32_t cell = cell_at(headers.port, headers.vlan);
  if ((cell & kNeedsTrees) == 0) return verdict_in(cell);
  return compiled_->verdict_of(compiled_->find(compiled_->groups[cell & ~kNeedsTrees], point_of(headers)));
}

std::optional<uint32_t> SliceTable::entry_of(const Headers& headers) const {
  const size_t number = cell_number(headers.port, headers.vlan);
  if (number >= cells_.size()) return std::nullopt;
  const uint32_t cell = cells_[number];
  const uint32_t piece = (cell & kNeedsTrees) == 0
                             ? compiled_->cell_pieces[number]
                             : compiled_->find(compiled_->groups[cell & ~kNeedsTrees], point_of(headers));
  if (piece == FlowTrees::kNone) return std::nullopt;
  return compiled_->owners[piece].entry;
}

LongestLookup SliceTable::longest_lookup() const {
  std::map<uint32_t, std::vector<uint32_t>> largest_leaves;  // of each root: groups share roots
  std::vector<size_t> comparisons(compiled_->groups.size());
  for (size_t g = 0; g < comparisons.size(); ++g)
    for (const uint32_t root : compiled_->roots_of(compiled_->groups[g])) {
      auto [leaf, is_new] = largest_leaves.try_emplace(root);
      if (is_new) leaf->second = compiled_->trees.largest_leaf(root);
      comparisons[g] += leaf->second.size();
    }
  const auto most = std::ranges::max_element(comparisons);
  if (most == comparisons.end()) return {};
  const auto group = static_cast<uint32_t>(most - comparisons.begin());
  const auto cell = std::ranges::find(cells_, kNeedsTrees | group) - cells_.begin();
  std::set<SliceId> slices;
  for (const uint32_t root : compiled_->roots_of(compiled_->groups[group]))
    for (const uint32_t piece : largest_leaves[root]) slices.insert(compiled_->owners[piece].slice);
  return {.comparisons = *most,
          .port = PortId{static_cast<uint16_t>(cell / Vlan::kCount)},
          .vlan = Vlan{static_cast<uint16_t>(cell % Vlan::kCount)},
          .slices = {slices.begin(), slices.end()}};
}

ParseDepth SliceTable::depth_at(PortId port, Vlan vlan) const {
  const uint32_t cell = cell_at(port, vlan);
  return (cell & kNeedsTrees) == 0 ? ParseDepth::l2 : compiled_->groups[cell & ~kNeedsTrees].depth;
}

}  // namespace bulkhead
