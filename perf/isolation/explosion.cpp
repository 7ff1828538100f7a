// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "nic/clock.hpp"
#include "perf/isolation/experiments.hpp"
#include "perf/isolation/memif.hpp"
#include "perf/isolation/replay.hpp"
#include "perf/isolation/report.hpp"

namespace bulkhead::perf {
namespace {

constexpr uint32_t kVlan = 2000;
constexpr double kPublishedRate = 1042;  // 0.7 Mbit/s of frames of 84 bytes on the wire
constexpr uint32_t kAllowed = 0x0a000001;
constexpr uint16_t kFrom = 12345;
constexpr uint16_t kTo = 80;

/// Differs from what three rules allow in one bit each, in all 32 x 16 x 16 ways: a classifier that notes how
/// many bits it had to look at makes a mask of its own for each (Csikor et al., CoNEXT 2019).
void one_bit_off(uint8_t* frame, uint32_t n) {
  store_be32(frame + 30, kAllowed ^ 1u << n % 32);
  store_be16(frame + 38, static_cast<uint16_t>(kFrom ^ 1u << n / 32 % 16));
  store_be16(frame + 40, static_cast<uint16_t>(kTo ^ 1u << n / 512 % 16));
}

Stream crafted(double rate) {
  return {.headers = headers_of(kVlan), .rate = rate, .egress = 0, .craft = one_bit_off};
}

std::string slices() {
  std::string text =
      "[[slice]]\nname = \"victim\"\nforward = \"wire\"\n[[slice.flowspace]]\n"
      "port = [\"source0\", \"sink0\"]\nvlan = \"1-1024\"\n[[slice]]\nname = \"attacker\"\nforward = "
      "\"wire\"\n";
  for (const std::string match : {"ip_src = \"10.0.0.1/32\"", "l4_src = 12345", "l4_dst = 80"})
    text += fmt::format("[[slice.flowspace]]\nport = [\"p0\", \"p1\"]\nvlan = {}\nip_proto = \"udp\"\n{}\n",
                        kVlan, match);
  return text;
}

uint64_t left(Appliance& appliance) {
  const Snapshot snapshot = appliance.snapshot();
  for (const Snapshot::Port& port : snapshot.ports)
    if (port.name == "sink0") return port.transmitted.packets;
  return 0;
}

/// The victim's packets a second while the stream runs, or is thrown away.
double victim_rate(Bench& bench, Stream stream, bool attacked, double seconds) {
  stream.active = attacked;
  const Cycles begin = clock_now();
  const uint64_t before = left(bench.appliance());
  (void)bench.run({&stream, 1}, {.warm_up = 0, .window = seconds});
  const uint64_t after = left(bench.appliance());
  return static_cast<double>(after - before) * static_cast<double>(clock_hz()) /
         static_cast<double>((clock_now() - begin).count());
}

}  // namespace

void explosion(const Ground& ground) {
  const Replay replay(1, 8);
  Bench bench(ground, {.slices = slices(), .ports = 2, .speed = "100Gbps", .more_ports = replay.ports(0)});
  (void)victim_rate(bench, crafted(kPublishedRate), true, ground.seconds(0.5));
  for (const double times : {1.0, 100.0}) {
    std::vector<double> alone;
    std::vector<double> attacked;
    std::vector<double> ratios;
    for (int i = 0; i < ground.times(9); ++i) {
      alone.push_back(victim_rate(bench, crafted(times * kPublishedRate), false, ground.seconds(0.5)));
      attacked.push_back(victim_rate(bench, crafted(times * kPublishedRate), true, ground.seconds(0.5)));
      ratios.push_back(attacked.back() / alone.back());
    }
    print({.experiment = "X8",
           .what = fmt::format("victim's rate under {:.1f} Mbit/s of crafted headers", 0.7 * times),
           .ours = median(attacked) / 1e6,
           .unit = "Mpps",
           .beside = "alone",
           .theirs = median(alone) / 1e6,
           .asked = times > 1 ? "" : "at least 0.99 of alone",
           .met = times > 1 ? std::nullopt : std::optional(median(ratios) >= 0.99),
           .note = fmt::format("median ratio {:.4f}", median(ratios))});
  }
}

void explosion_peer(Ground& ground, const std::string& socket, double seconds) {
  std::vector<std::unique_ptr<FarEnd>> ends;
  ends.push_back(connected(0, socket, ground.pool, 1));
  Traffic traffic(std::move(ends), ground.pool);
  const Stream stream = crafted(kPublishedRate);
  (void)traffic.run({&stream, 1}, {.warm_up = 0, .window = seconds}, {});
}

}  // namespace bulkhead::perf
