// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "nic/error.hpp"

struct pcap;

namespace bulkhead {

/// A frame of a capture. The bytes are good until the next one is read.
struct CapturedFrame {
  std::span<const uint8_t> bytes;
  uint32_t length = 0;  // on the wire; more than `bytes` where the capture was cut short
};

/// A file of captured Ethernet frames (pcap or pcapng), read from front to back. One thread.
class CaptureFile {
 public:
  static Result<CaptureFile> open(const std::string& path);

  /// The next frame; nothing at the end.
  Result<std::optional<CapturedFrame>> next();

 private:
  struct Close {
    void operator()(pcap* handle) const;
  };
  CaptureFile(std::string path, std::unique_ptr<pcap, Close> handle)
      : path_(std::move(path)), handle_(std::move(handle)) {}

  std::string path_;
  std::unique_ptr<pcap, Close> handle_;
};

}  // namespace bulkhead
