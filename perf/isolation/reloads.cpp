// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <functional>
#include <thread>

#include "control/isolation.hpp"
#include "control/plan.hpp"
#include "control/snapshot_source.hpp"
#include "control/stats_server.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/replay.hpp"
#include "perf/isolation/report.hpp"
#include "perf/isolation/residences.hpp"

namespace bulkhead::perf {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint32_t kVlans = 1024;  // of the replay
constexpr std::size_t kScrapers = 8;
constexpr std::chrono::milliseconds kBetweenScrapes{100};

/// What all slices but the last, which is the one that changes, have done so far.
struct Others {
  uint64_t packets = 0;
  std::vector<uint64_t> residences;  // by bucket
  Clock::time_point at;
};

Others others_of(const Appliance& appliance) {
  const Snapshot seen = appliance.snapshot();
  Others others{.packets = 0, .residences = std::vector<uint64_t>(kResidenceBuckets), .at = Clock::now()};
  for (std::size_t slice = 0; slice + 1 < seen.slices.size(); ++slice) {
    for (const Snapshot::Traffic& sent : seen.slices[slice].ports.at(1).transmitted)
      others.packets += sent.packets;
    for (std::size_t i = 0; i < kResidenceBuckets; ++i)
      others.residences[i] += seen.slices[slice].residence_buckets[i];
  }
  return others;
}

/// How they fared between two moments.
struct Fared {
  double rate = 0;  // packets a second
  double p999 = 0;  // residence, us
};

Fared between(const Others& before, const Others& after) {
  return {.rate = static_cast<double>(after.packets - before.packets) /
                  std::chrono::duration<double>(after.at - before.at).count(),
          .p999 = quantile_us(before.residences, after.residences, 0.999)};
}

/// Calm and busy times of the same length in turns.
struct Compared {
  std::vector<double> rates;
  std::vector<double> p999s;
  std::vector<double> calm_rates, busy_rates, calm_p999s, busy_p999s;

  void add(const Fared& calm, const Fared& busy) {
    calm_rates.push_back(calm.rate);
    busy_rates.push_back(busy.rate);
    calm_p999s.push_back(calm.p999);
    busy_p999s.push_back(busy.p999);
    rates.push_back(busy.rate / calm.rate);
    p999s.push_back(busy.p999 / calm.p999);
  }
};

void print_compared(const std::string& experiment, const std::string& what, const Compared& seen,
                    const std::string& note) {
  print({.experiment = experiment,
         .what = what + ": the others' packets",
         .ours = median(seen.busy_rates) / 1e6,
         .unit = "Mpps",
         .beside = "planned only",
         .theirs = median(seen.calm_rates) / 1e6,
         .asked = "within 1 %",
         .met = median(seen.rates) >= 0.99,
         .note = fmt::format("median ratio {:.3f}; {}", median(seen.rates), note)});
  print({.experiment = experiment,
         .what = what + ": the others' p99.9 residence",
         .ours = median(seen.busy_p999s),
         .unit = "us",
         .beside = "planned only",
         .theirs = median(seen.calm_p999s),
         .asked = "within 1.5 times",
         .met = median(seen.p999s) <= 1.5,
         .note = fmt::format("median ratio {:.2f}", median(seen.p999s))});
}

/// An appliance on a replay that saturates it; the last slice has one of two ceilings, or one VLAN more.
class Changing {
 public:
  Changing(const Ground& ground, const Replay& replay, uint32_t slices)
      : slices_(slices),
        ports_(replay.ports(0)),
        bench_(ground, {.slices = slices_text(0), .ports = 0, .more_ports = ports_}) {
    std::this_thread::sleep_for(std::chrono::duration<double>(ground.seconds(0.3)));
  }

  [[nodiscard]] Appliance& appliance() { return bench_.appliance(); }

  /// Reads, proves and plans a change, as `bulkhead plan` has it done, and keeps nothing of it: so busy is
  /// the machine with any program.
  Config prepare() {
    Config next = Bench::config_of(ports_ + slices_text(changes_ + 1));
    if (!prove_isolation(next).empty() || !plan(appliance().config(), next).changes())
      give_up("the change of a slice is none");
    return next;
  }
  /// And applies it.
  void change() {
    if (auto done = appliance().reload(prepare()); !done) give_up(done.error().message());
    ++changes_;
  }
  [[nodiscard]] uint64_t changes() const { return changes_; }

 private:
  [[nodiscard]] std::string slices_text(uint64_t version) const {
    std::string text;
    for (uint32_t slice = 0; slice < slices_; ++slice) {
      const bool last = slice + 1 == slices_;
      text += fmt::format(
          "[[slice]]\nname = \"s{}\"\nforward = \"wire\"\n{}[[slice.flowspace]]\nport = [\"source0\", "
          "\"sink0\"]\nvlan = \"{}-{}\"\n",
          slice, last ? fmt::format("bandwidth = {{ ceiling = \"{}Gbps\" }}\n", 1 + version % 2) : "",
          slice * kVlans / slices_ + 1, (slice + 1) * kVlans / slices_ + (last ? version / 2 % 2 : 0));
    }
    return text;
  }

  uint32_t slices_;
  std::string ports_;
  Bench bench_;
  uint64_t changes_ = 0;
};

Fared during(Changing& changing, const std::function<void()>& work) {
  const Others before = others_of(changing.appliance());
  work();
  return between(before, others_of(changing.appliance()));
}

/// How long changes took.
class Times {
 public:
  void measure(Changing& changing) {
    const auto started = Clock::now();
    changing.change();
    took_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - started).count());
  }
  [[nodiscard]] std::string note() const {
    return fmt::format("{} changes, {:.2f} ms each", took_.size(), median(took_));
  }

 private:
  std::vector<double> took_;
};

void prepare_for(Changing& changing, double seconds) {
  const auto begin = Clock::now();
  while (std::chrono::duration<double>(Clock::now() - begin).count() < seconds) (void)changing.prepare();
}

/// Clients that read /metrics ten times a second each, which is ten times as often as any does.
class Scrapers {
 public:
  explicit Scrapers(Appliance& appliance) {
    source_.attach(&appliance);
    auto server = StatsServer::start({.listen = "127.0.0.1:0", .token = std::nullopt},
                                     [this] { return source_.latest(); });
    if (!server) give_up(server.error().message());
    server_ = std::move(*server);
    for (std::size_t i = 0; i < kScrapers; ++i) threads_.emplace_back([this] { scrape(); });
  }
  ~Scrapers() {
    done_ = true;
    for (std::thread& thread : threads_) thread.join();
    server_.reset();
    source_.attach(nullptr);
  }
  Scrapers(const Scrapers&) = delete;
  Scrapers& operator=(const Scrapers&) = delete;
  [[nodiscard]] uint64_t scraped() const { return scraped_; }

 private:
  void scrape() {
    httplib::Client client("127.0.0.1", server_->port());
    while (!done_)
      if (const auto answer = client.Get("/metrics"); answer && answer->status == 200) {
        ++scraped_;
        std::this_thread::sleep_for(kBetweenScrapes);
      }
  }

  SnapshotSource source_;
  std::unique_ptr<StatsServer> server_;
  std::atomic<bool> done_{false};
  std::atomic<uint64_t> scraped_{0};
  std::vector<std::thread> threads_;
};

/// Calm times, in which a change is prepared and not made, and busy ones with up to so many.
void reload(const Ground& ground, Changing& changing, const std::string& what, int most) {
  Compared seen;
  Times took;
  const double seconds = ground.seconds(1);
  for (int pair = 0; pair < ground.times(7); ++pair) {
    const Fared calm = during(changing, [&] { prepare_for(changing, seconds); });
    const Fared busy = during(changing, [&] {
      const auto begin = Clock::now();
      const auto is_over = [&] {
        return std::chrono::duration<double>(Clock::now() - begin).count() >= seconds;
      };
      for (int change = 0; change < most && !is_over(); ++change) took.measure(changing);
      while (!is_over()) (void)changing.prepare();
    });
    seen.add(calm, busy);
  }
  print_compared("X10", what, seen, took.note());
}

}  // namespace

void reloads(const Ground& ground) {
  const Replay replay(1, 8);
  const uint32_t slices = ground.quick ? 64 : 1024;
  Changing changing(ground, replay, slices);
  reload(ground, changing, fmt::format("one slice of {} changed once a second", slices), 1);
  reload(ground, changing, fmt::format("one slice of {} changed again and again", slices), INT_MAX);
}

void updates(const Ground& ground) {
  const Replay replay(1, 8);
  Changing changing(ground, replay, 8);
  Compared seen;
  uint64_t scraped = 0;
  const int rounds = ground.quick ? 1 : 20;
  const int updates = ground.quick ? 50 : 5000;
  Times took;
  for (int round = 0; round < rounds; ++round) {
    const Fared calm = during(changing, [&] { prepare_for(changing, ground.seconds(1)); });
    const Scrapers scrapers(changing.appliance());
    const Fared busy = during(changing, [&] {
      for (int i = 0; i < updates; ++i) took.measure(changing);
    });
    scraped += scrapers.scraped();
    seen.add(calm, busy);
  }
  print_compared("X11", fmt::format("{} updates of one slice of 8, 8 scrapers", changing.changes()), seen,
                 fmt::format("{}, {} answers of /metrics", took.note(), scraped));
}

}  // namespace bulkhead::perf
