// SPDX-License-Identifier: Apache-2.0
#include "tests/shaper/scheduled_port.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

namespace bulkhead::test {

void WindowCheck::sent(uint64_t now, uint64_t bytes) {
  level_ = std::max<__int128>(0, level_ - static_cast<__int128>(rate_) * (now - last_));
  level_ += static_cast<__int128>(bytes) * 8 * hz_;
  highest_ = std::max(highest_, level_);
  last_ = now;
}

uint64_t WindowCheck::burst() const {
  const __int128 byte = static_cast<__int128>(8) * hz_;
  return static_cast<uint64_t>((highest_ + byte - 1) / byte);
}

uint64_t WindowCheck::room(uint64_t now, Bytes burst) const {
  const __int128 byte = static_cast<__int128>(8) * hz_;
  const __int128 level = std::max<__int128>(0, level_ - static_cast<__int128>(rate_) * (now - last_));
  return static_cast<uint64_t>(std::max<__int128>(0, (burst.count() * byte - level) / byte));
}

ScheduledPort::ScheduledPort(const Options& options, const std::vector<SliceRates>& slices)
    : options_(options),
      rates_(slices),
      scheduler_(options),
      queues_(slices.size()),
      sent_(slices.size()),
      backlog_(slices.size()),
      class_windows_(slices.size()),
      port_window_(options.speed, options.hz) {
  for (std::size_t slice = 0; slice < slices.size(); ++slice) {
    scheduler_.configure(SliceId{static_cast<uint16_t>(slice)}, slices[slice]);
    slice_windows_.emplace_back(slices[slice].rates.ceiling, options.hz);
    for (std::size_t number = 0; number < kMaxClasses; ++number)
      class_windows_[slice][number] = WindowCheck(slices[slice].classes[number].rates.ceiling, options.hz);
  }
}

void ScheduledPort::set_speed(uint64_t now, BitsPerSecond speed) {
  scheduler_.set_speed(speed);
  options_.speed = speed;
  port_window_ = WindowCheck(speed, options_.hz);
  port_window_.sent(now, options_.largest_frame.count());  // perhaps one is just leaving
}

void ScheduledPort::arrive(uint64_t now, std::size_t slice, std::size_t number, uint32_t bytes,
                           uint32_t frames) {
  queues_[slice][number].push_back({bytes, frames});
  backlog_[slice][number] += uint64_t{bytes} * frames;
  scheduler_.activate(SliceId{static_cast<uint16_t>(slice)}, static_cast<uint8_t>(1u << number), Cycles{now});
}

uint64_t ScheduledPort::send_run(uint64_t now) {
  const Grant* grant = scheduler_.next(Cycles{now});
  if (!grant) return 0;
  last_grant_ = *grant;
  uint64_t run = 0;
  bool has_more = false;
  uint64_t bytes = 0;
  do {
    bytes = take(*grant, now);
    run += bytes;
    has_more = backlog_[grant->slice.value()][grant->class_number] > 0;
  } while (scheduler_.charge(Bytes{bytes}, has_more));
  if (run == 0) FAIL("a grant to slice " << grant->slice.value() << ", which can send nothing");
  return run;
}

uint64_t ScheduledPort::take(const Grant& grant, uint64_t now) {
  const std::size_t slice = grant.slice.value();
  const std::size_t number = grant.class_number;
  auto& queue = queues_[slice][number];
  uint64_t bytes = 0;
  while (!queue.empty() && bytes + queue.front().bytes <= grant.allowed.count()) {
    bytes += queue.front().bytes;
    if (--queue.front().count == 0) queue.pop_front();
  }
  sent_[slice][number] += bytes;
  backlog_[slice][number] -= bytes;
  total_ += bytes;
  slice_windows_[slice].sent(now, bytes);
  class_windows_[slice][number].sent(now, bytes);
  port_window_.sent(now, bytes);
  return bytes;
}

uint64_t ScheduledPort::send_all(uint64_t now) {
  uint64_t bytes = 0;
  while (const uint64_t run = send_run(now)) bytes += run;
  return bytes;
}

void ScheduledPort::run(uint64_t& now, uint64_t until, const std::function<void(uint64_t)>& before_run) {
  for (;;) {
    if (before_run) before_run(now);
    send_all(now);
    const auto event = scheduler_.next_event();
    // Times are rounded up to whole cycles: the next cycle is soon enough.
    if ((!event || event->count() > now + 1) && is_wasting(now))
      FAIL("at " << now << " the port stands still though someone may send");
    if (!event || event->count() >= until) break;
    if (event->count() <= now) FAIL("at " << now << " the scheduler asks for a time that is not later");
    now = event->count();
  }
  now = until;
}

bool ScheduledPort::may_send(std::size_t slice, std::size_t number, uint64_t now) const {
  // A few bytes more than a frame: the scheduler rounds times up to cycles.
  const uint64_t enough = options_.largest_frame.count() + 16;
  const auto is_under = [&](const WindowCheck& window, const Rates& rates) {
    const bool unlimited = rates.ceiling == BitsPerSecond{0} || rates.ceiling >= options_.speed;
    return unlimited || window.room(now, std::max(rates.burst, options_.largest_frame)) >= enough;
  };
  return backlog_[slice][number] > 0 && is_under(slice_windows_[slice], rates_[slice].rates) &&
         is_under(class_windows_[slice][number], rates_[slice].classes[number].rates);
}

bool ScheduledPort::is_wasting(uint64_t now) const {
  if (port_window_.room(now, Bytes{16}) < 16) return false;
  for (std::size_t slice = 0; slice < rates_.size(); ++slice)
    for (std::size_t number = 0; number < rates_[slice].class_count; ++number)
      if (may_send(slice, number, now)) return true;
  return false;
}

uint64_t ScheduledPort::sent(std::size_t slice) const {
  return std::accumulate(sent_[slice].begin(), sent_[slice].end(), uint64_t{0});
}

uint64_t ScheduledPort::backlog(std::size_t slice, std::size_t number) const {
  return backlog_[slice][number];
}

uint64_t ScheduledPort::backlog(std::size_t slice) const {
  return std::accumulate(backlog_[slice].begin(), backlog_[slice].end(), uint64_t{0});
}

}  // namespace bulkhead::test
