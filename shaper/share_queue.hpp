// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "nic/units.hpp"
#include "shaper/tag_ring.hpp"

namespace bulkhead {

/// Shares a service among members by weight: worst-case fair weighted fair queueing (WF2Q, Bennett & Zhang
/// 1996), kept in bucket rings. Plain round robin and start-time fair queueing were rejected: with weights of
/// 1 and 10000 side by side they let a member wait for a round of everybody else.
///
/// Virtual time tells how many bytes each unit of weight has been served. A member's next run starts, in the
/// fluid ideal, at its tag `start`. Until then it is `waiting`; from then on it is `ready`, and among the
/// ready ones the one whose run of one largest frame would finish first is served.
///
/// A member that wants no more stays until virtual time has reached its tag: in the ideal it is being served
/// until then. Therefore it is back at once with the right tag if it wants to send again, the weights that
/// virtual time advances by are the ideal's, and nobody's tag is ever old: who is absent starts at the
/// present.
class ShareQueue {
 public:
  static constexpr uint16_t kNone = TagRing::kNone;

  ShareQueue(std::size_t members, Bytes largest_frame);

  /// Makes room for members up to `members` - 1.
  void grow(std::size_t members) { nodes_.resize(members); }

  /// Weight: 1 to 10000. Of a member in the queue, its present run keeps the tags it has.
  void set_weight(uint16_t member, uint32_t weight);

  /// The member wants to send.
  void enter(uint16_t member) {
    Node& node = nodes_[member];
    if (node.place != Place::absent && node.place != Place::left) return;
    node.start = virtual_time_;
    total_weight_ += node.weight;
    if (node.place == Place::left)
      node.place = Place::ready;  // still linked, by a tag that is not later
    else
      make_ready(member, node);
  }

  /// The member does not want to send any more, though it was not served by this queue.
  void withdraw(uint16_t member) {
    Node& node = nodes_[member];
    if (node.place != Place::ready) return;
    leave(node);
    node.place = Place::left;
  }

  /// Takes the member that is to be served next; kNone: nobody. `wants(member)` tells whether one wants, and
  /// may, send now; who does not leaves, and enters again later. Follow with `charge`.
  template <class Wants>
  uint16_t take(Wants wants);

  /// The member taken is being served that much, which takes time: `advance` tells when how much of it has
  /// been done.
  void charge(uint16_t member, uint64_t bytes) {
    Node& node = nodes_[member];
    node.start += (bytes * node.byte) >> kByteBits;
    served_ = member;
  }

  /// `bytes` of the service have been done. All of it, before the next `take`.
  template <class Wants>
  void advance(uint64_t bytes, Wants wants);

  /// Nobody was being served for a moment, also not in the ideal: forgets who had had more than others.
  template <class Wants>
  void forget_tags(Wants wants);

  void prefetch(uint16_t member) const { __builtin_prefetch(&nodes_[member], 1); }

 private:
  enum class Place : uint8_t {
    absent,
    waiting,
    ready,
    taken,
    left,  // is linked where the ready are, and counts as absent
  };
  struct alignas(32) Node {
    uint64_t start = 0;     // virtual time
    uint64_t run = 0;       // virtual time that a largest frame takes
    uint64_t byte = 0;      // virtual time that a byte takes, in 2^-kByteBits
    uint32_t weight = 0;    // 0: never configured
    uint16_t next = kNone;  // in the bucket
    Place place = Place::absent;
  };
  static constexpr unsigned kVirtualBits = 32;  // virtual time is in 2^-32 bytes for each unit of weight
  static constexpr unsigned kByteBits = 14;
  static constexpr std::size_t kLeastBuckets = 64;

  struct Scale {
    std::size_t buckets;
    unsigned shift;
    bool operator==(const Scale&) const = default;
  };
  [[nodiscard]] Scale scale_for(uint32_t least, uint32_t most) const;
  void rescale(Scale scale);
  void fit_scale();

  void make_ready(uint16_t member, Node& node) {
    node.place = Place::ready;
    ready_.push(node.start + node.run, member, node.next);
  }
  void leave(Node& node) {
    node.place = Place::absent;
    total_weight_ -= node.weight;
    // It counted up to now, not up to its tag: the difference is the others' service, or was.
    unused_ += static_cast<int64_t>(virtual_time_ - node.start) * node.weight;
  }
  [[nodiscard]] bool has_started(const Node& node) const {
    return !waiting_.before(waiting_.bucket_of(virtual_time_), waiting_.bucket_of(node.start));
  }
  uint16_t pop(TagRing& ring, uint64_t bucket) {
    const uint16_t member = ring.top(bucket);
    ring.pop(bucket, nodes_[member].next);
    return member;
  }
  /// Moves virtual time on by what `service` (bytes * 2^kVirtualBits) means for each unit of weight.
  template <class Wants>
  void serve(uint64_t service, Wants& wants);
  template <class Wants>
  void promote_first(uint64_t bucket, Wants& wants);
  void put_back(uint16_t member, Node& node) {
    if (has_started(node)) return make_ready(member, node);
    node.place = Place::waiting;
    waiting_.push(node.start, member, node.next);
  }
  template <class Wants>
  void promote(Wants& wants);

  uint64_t virtual_time_ = 0;
  uint64_t total_weight_ = 0;  // of all who are not absent
  int64_t unused_ = 0;         // service, in 2^-kVirtualBits bytes, that virtual time is behind by
  std::vector<Node> nodes_;
  TagRing waiting_;  // by start
  TagRing ready_;    // by finish
  Scale scale_;
  uint64_t largest_frame_;
  uint16_t served_ = kNone;      // charged, and not put back yet
  uint32_t least_ = UINT32_MAX;  // of the weights configured
  uint32_t most_ = 0;
};

template <class Wants>
inline void ShareQueue::promote_first(uint64_t bucket, Wants& wants) {
  const uint16_t member = pop(waiting_, bucket);
  Node& node = nodes_[member];
  if (wants(member))
    make_ready(member, node);
  else
    leave(node);
}

template <class Wants>
inline void ShareQueue::promote(Wants& wants) {
  while (!waiting_.empty()) {
    const uint64_t bucket = waiting_.first_bucket();
    if (waiting_.before(waiting_.bucket_of(virtual_time_), bucket)) {
      if (!ready_.empty()) return;
      // Nobody has started: the service runs ahead of the ideal, which moves on to where someone has.
      virtual_time_ = bucket << scale_.shift;
    }
    promote_first(bucket, wants);
  }
}

template <class Wants>
inline void ShareQueue::serve(uint64_t service, Wants& wants) {
  int64_t left = static_cast<int64_t>(service) + std::exchange(unused_, 0);
  while (!waiting_.empty() && left >= 0) {
    const uint64_t bucket = waiting_.first_bucket();
    // Up to there with the weights as they are; from there on, perhaps, without those who leave.
    const uint64_t border = bucket << scale_.shift;
    if (const auto distance = static_cast<int64_t>(border - virtual_time_); distance > 0) {
      const auto needed = static_cast<unsigned __int128>(distance) * total_weight_;
      if (needed > static_cast<uint64_t>(left)) break;
      left -= static_cast<int64_t>(needed);
      virtual_time_ = border;
    }
    promote_first(bucket, wants);
    left += std::exchange(unused_, 0);
  }
  if (left < 0)
    unused_ = left;
  else if (total_weight_ != 0)
    virtual_time_ += static_cast<uint64_t>(left) / total_weight_;
}

template <class Wants>
inline void ShareQueue::advance(uint64_t bytes, Wants wants) {
  const uint16_t member = served_;
  if (member != kNone) {
    served_ = kNone;
    Node& node = nodes_[member];
    // Who wants no more leaves when virtual time reaches its tag, perhaps on the way there.
    if (wants(member)) {
      serve(bytes << kVirtualBits, wants);
      put_back(member, node);
      return;
    }
    node.place = Place::waiting;
    waiting_.push(node.start, member, node.next);
  }
  serve(bytes << kVirtualBits, wants);
}

template <class Wants>
inline uint16_t ShareQueue::take(Wants wants) {
  for (;;) {
    // Who has started was made ready when virtual time moved on.
    if (ready_.empty()) {
      promote(wants);
      if (ready_.empty()) return kNone;
    }
    const uint16_t member = pop(ready_, ready_.first_bucket());
    Node& node = nodes_[member];
    if (std::exchange(node.place, Place::taken) == Place::left) {
      node.place = Place::absent;
      continue;
    }
    if (wants(member)) [[likely]]
      return member;
    leave(node);
  }
}

template <class Wants>
inline void ShareQueue::forget_tags(Wants wants) {
  while (!waiting_.empty()) {
    const uint16_t member = pop(waiting_, waiting_.first_bucket());
    Node& node = nodes_[member];
    node.start = virtual_time_;
    if (wants(member))
      make_ready(member, node);
    else
      leave(node);
  }
}

}  // namespace bulkhead
