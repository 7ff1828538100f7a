// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "nic/units.hpp"
#include "shaper/bucket_circle.hpp"
#include "shaper/departures.hpp"
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

  /// Weight: 1 to 10000; up to 65,535 where a largest frame is at most 16 KiB. Of a member in the queue, its
  /// present run keeps the tags it has.
  void set_weight(uint16_t member, uint32_t weight);

  /// The member wants to send.
  void enter(uint16_t member) {
    Node& node = nodes_[member];
    if (node.place == Place::departing) {
      if (departures_.holds(node.start, node.ticket)) return come_back(member, node);
    } else if (node.place != Place::absent && node.place != Place::left) {
      return;
    }
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
    node.start += time_of(node, bytes);
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
    departing,  // among the departures, or by now absent
    left,       // is linked where the ready are, and counts as absent
  };
  struct alignas(32) Node {
    uint64_t start = 0;     // virtual time
    uint64_t byte = 0;      // virtual time that a byte takes, in 2^-kByteBits
    uint64_t ticket = 0;    // of its departure
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
  /// It is departing, and counts as gone now. For a change of rates, which may forget that it is ahead.
  void go(Node& node);
  void fit_scale();

  [[nodiscard]] static uint64_t time_of(const Node& node, uint64_t bytes) {
    return (bytes * node.byte) >> kByteBits;
  }
  void make_ready(uint16_t member, Node& node) {
    node.place = Place::ready;
    ready_.push(node.start + time_of(node, largest_frame_), member, node.next);
  }
  void depart(Node& node) {
    node.place = Place::departing;
    node.ticket = departures_.add(node.start, node.weight);
  }
  void come_back(uint16_t member, Node& node) {
    departures_.cancel(node.start, node.weight);
    put_back(member, node);
  }
  void leave(Node& node) {
    node.place = Place::absent;
    total_weight_ -= node.weight;
    // It counted up to now, not up to its tag: the difference is the others' service, or was.
    unused_ += static_cast<int64_t>(virtual_time_ - node.start) * node.weight;
  }
  /// Whether the bucket of its tag has been reached.
  [[nodiscard]] bool has_started(const Node& node) const {
    return static_cast<int64_t>(virtual_time_ - (node.start >> scale_.shift << scale_.shift)) >= 0;
  }
  uint16_t pop_first(TagRing& ring) {
    (void)ring.first();
    return pop(ring);
  }
  /// The same, where the ring has just told its first bucket.
  uint16_t pop(TagRing& ring) {
    const uint16_t member = ring.top();
    ring.pop(nodes_[member].next);
    return member;
  }
  void put_back(uint16_t member, Node& node) {
    if (has_started(node)) return make_ready(member, node);
    node.place = Place::waiting;
    waiting_.push(node.start, member, node.next);
  }
  /// The border of the next bucket whose members start, or depart. False: nobody does.
  [[nodiscard]] bool find_event(uint64_t& border);
  /// Virtual time has reached that border. Returns the service that was meant for those who are not there any
  /// more, in 2^-kVirtualBits bytes; less than 0 if they leave early.
  template <class Wants>
  [[nodiscard]] int64_t reach(uint64_t border, Wants& wants);
  /// Moves virtual time on by what `service` (bytes * 2^kVirtualBits) means for each unit of weight.
  template <class Wants>
  void serve(uint64_t service, Wants& wants);
  template <class Wants>
  void promote(Wants& wants);

  uint64_t virtual_time_ = 0;
  uint64_t total_weight_ = 0;  // of all who are not absent
  int64_t unused_ = 0;         // service, in 2^-kVirtualBits bytes, that virtual time is behind by
  std::vector<Node> nodes_;
  TagRing waiting_;        // by start
  TagRing ready_;          // by finish
  Departures departures_;  // by start
  Scale scale_;
  uint64_t largest_frame_;
  uint16_t served_ = kNone;      // charged, and not put back yet
  uint32_t least_ = UINT32_MAX;  // of the weights configured
  uint32_t most_ = 0;
};

inline bool ShareQueue::find_event(uint64_t& border) {
  if (waiting_.empty() && departures_.empty()) return false;
  if (departures_.empty()) {
    border = waiting_.first();
    return true;
  }
  border = departures_.first();
  if (waiting_.empty()) return true;
  const uint64_t other = waiting_.first();
  if (static_cast<int64_t>(other - border) < 0) border = other;
  return true;
}

template <class Wants>
inline int64_t ShareQueue::reach(uint64_t border, Wants& wants) {
  if (!departures_.empty() && departures_.first() == border) {
    const Departures::Sum gone = departures_.take_first();
    total_weight_ -= gone.weight;
    return static_cast<int64_t>((virtual_time_ - border) * gone.weight - gone.owed);
  }
  const uint16_t member = pop(waiting_);
  Node& node = nodes_[member];
  if (wants(member))
    make_ready(member, node);
  else
    leave(node);
  return std::exchange(unused_, 0);
}

template <class Wants>
inline void ShareQueue::promote(Wants& wants) {
  for (uint64_t border = 0; !waiting_.empty() && find_event(border);) {
    if (static_cast<int64_t>(border - virtual_time_) > 0) {
      if (!ready_.empty()) return;
      // Nobody has started: the service runs ahead of the ideal, which moves on to where someone has.
      virtual_time_ = border;
    }
    unused_ += reach(border, wants);
  }
}

template <class Wants>
inline void ShareQueue::serve(uint64_t service, Wants& wants) {
  int64_t left = static_cast<int64_t>(service) + std::exchange(unused_, 0);
  for (uint64_t border = 0; left >= 0 && find_event(border);) {
    // Up to there with the weights as they are; from there on, perhaps, without those who leave.
    if (const auto distance = static_cast<int64_t>(border - virtual_time_); distance > 0) {
      const auto needed = static_cast<unsigned __int128>(distance) * total_weight_;
      if (needed > static_cast<uint64_t>(left)) break;
      left -= static_cast<int64_t>(needed);
      virtual_time_ = border;
    }
    left += reach(border, wants);
  }
  if (left < 0)
    unused_ = left;
  else if (total_weight_ != 0)
    virtual_time_ += static_cast<uint64_t>(left) / total_weight_;
}

template <class Wants>
inline void ShareQueue::advance(uint64_t bytes, Wants wants) {
  const uint16_t member = std::exchange(served_, kNone);
  const bool stays = member != kNone && wants(member);
  // Who does not leaves when virtual time reaches its tag, perhaps now.
  if (member != kNone && !stays) depart(nodes_[member]);
  serve(bytes << kVirtualBits, wants);
  if (stays) put_back(member, nodes_[member]);
}

template <class Wants>
inline uint16_t ShareQueue::take(Wants wants) {
  for (;;) {
    // Who has started was made ready when virtual time moved on.
    if (ready_.empty()) {
      promote(wants);
      if (ready_.empty()) return kNone;
    }
    const uint16_t member = pop_first(ready_);
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
  while (!departures_.empty()) {
    (void)departures_.first();
    total_weight_ -= departures_.take_first().weight;
  }
  while (!waiting_.empty()) {
    const uint16_t member = pop_first(waiting_);
    Node& node = nodes_[member];
    node.start = virtual_time_;
    if (wants(member))
      make_ready(member, node);
    else
      leave(node);
  }
}

}  // namespace bulkhead
