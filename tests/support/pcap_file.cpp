// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pcap_file.hpp"

#include <pcap/pcap.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace bulkhead::test {
namespace {

constexpr int kLongestFrame = 65'535;

struct Close {
  void operator()(pcap_t* handle) const { pcap_close(handle); }
  void operator()(pcap_dumper_t* file) const { pcap_dump_close(file); }
};

template <class Handle>
std::unique_ptr<Handle, Close> opened(Handle* handle, const std::string& path) {
  if (handle == nullptr) {
    std::fprintf(stderr, "tests: %s cannot be opened as a capture\n", path.c_str());
    std::abort();
  }
  return std::unique_ptr<Handle, Close>(handle);
}

}  // namespace

void write_pcap(const std::string& path, const std::vector<Frame>& frames) {
  const auto format = opened(pcap_open_dead(DLT_EN10MB, kLongestFrame), path);
  const auto file = opened(pcap_dump_open(format.get(), path.c_str()), path);
  for (const Frame& frame : frames) {
    pcap_pkthdr header{};
    header.caplen = header.len = static_cast<bpf_u_int32>(frame.size());
    pcap_dump(reinterpret_cast<u_char*>(file.get()), &header, frame.data());
  }
}

std::vector<Frame> read_pcap(const std::string& path) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  const auto file = opened(pcap_open_offline(path.c_str(), why.data()), path);
  std::vector<Frame> frames;
  pcap_pkthdr* header = nullptr;
  for (const u_char* bytes = nullptr; pcap_next_ex(file.get(), &header, &bytes) == 1;)
    frames.emplace_back(bytes, bytes + header->caplen);
  return frames;
}

}  // namespace bulkhead::test
