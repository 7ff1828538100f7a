// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/replay.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/support/pcap_file.hpp"

namespace bulkhead::perf {
namespace {

constexpr uint32_t kVlans = 1024;
constexpr uint32_t kFrames = 8192;
constexpr uint32_t kScatter = 389;  // odd, so that its multiples meet every VLAN before one comes again

std::vector<test::Frame> frames(uint32_t run) {
  std::vector<test::Frame> all;
  for (uint32_t i = 0; i < kFrames; ++i) {
    test::Frame frame = headers_of(i / run * kScatter % kVlans + 1);
    frame.resize(60);
    store_be16(&frame[38], static_cast<uint16_t>(1024 + i / kVlans));
    all.push_back(std::move(frame));
  }
  return all;
}

uint64_t transmitted(const Snapshot& snapshot) {
  uint64_t packets = 0;
  for (const Snapshot::Port& port : snapshot.ports) packets += port.transmitted.packets;
  return packets;
}

}  // namespace

Replay::Replay(std::size_t sources, uint32_t run) : sources_(sources) {
  std::string name = (std::filesystem::temp_directory_path() / "bulkhead-replay-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) give_up("no temporary directory can be made; check TMPDIR");
  directory_ = name;
  write_capture(directory_ + "/frames.pcap", run);
}

void Replay::write_capture(const std::string& path, uint32_t run) { test::write_pcap(path, frames(run)); }

std::string Replay::ports(std::size_t source) const {
  return fmt::format(
      "[[port]]\nname = \"source{0}\"\ndevice = \"net_pcap{0},rx_pcap={1}/frames.pcap,infinite_rx=1\"\n"
      "speed = \"100Gbps\"\n[[port]]\nname = \"sink{0}\"\ndevice = \"net_null{0},no-rx=1\"\nspeed = "
      "\"100Gbps\"\n",
      source, directory_);
}

Replay::~Replay() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

double Replay::rate(const Ground& ground, uint32_t slices, std::size_t workers, double seconds,
                    uint64_t cost) const {
  Bench::Setup setup{.slices = "", .ports = 0, .workers = workers};
  for (std::size_t source = 0; source < sources_; ++source) {
    setup.more_ports += ports(source);
    for (uint32_t slice = 0; slice < slices; ++slice)
      setup.slices += fmt::format(
          "[[slice]]\nname = \"s{0}-{1}\"\nforward = \"wire\"\n[[slice.flowspace]]\n"
          "port = [\"source{0}\", \"sink{0}\"]\nvlan = \"{2}-{3}\"\n",
          source, slice, slice * kVlans / slices + 1, (slice + 1) * kVlans / slices);
  }
  if (cost > 0) setup.costs.assign(slices * sources_, cost);
  Bench bench(ground, setup);
  using Clock = std::chrono::steady_clock;
  std::this_thread::sleep_for(std::chrono::duration<double>(ground.seconds(0.15)));
  const auto begin = Clock::now();
  const uint64_t before = transmitted(bench.appliance().snapshot());
  std::this_thread::sleep_for(std::chrono::duration<double>(ground.seconds(seconds)));
  const uint64_t after = transmitted(bench.appliance().snapshot());
  return static_cast<double>(after - before) / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace bulkhead::perf
