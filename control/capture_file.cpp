// SPDX-License-Identifier: Apache-2.0
#include "control/capture_file.hpp"

#include <pcap.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace bulkhead {

void CaptureFile::Close::operator()(pcap* handle) const { pcap_close(handle); }

Result<CaptureFile> CaptureFile::open(const std::string& path) {
  const std::string name = "capture " + path;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr)
    return fail(name + " cannot be read: " + std::strerror(errno) +
                "; name a pcap file that this user may read");
  char reason[PCAP_ERRBUF_SIZE] = "";
  std::unique_ptr<pcap, Close> handle(pcap_fopen_offline(file, reason));
  if (handle == nullptr) {
    std::fclose(file);  // libpcap takes the file over only where it succeeds
    return fail(name + " is not a capture: " + reason + "; name a pcap or pcapng file");
  }
  if (const int type = pcap_datalink(handle.get()); type != DLT_EN10MB) {
    const char* type_name = pcap_datalink_val_to_name(type);
    return fail(name + " holds frames of link type " +
                (type_name != nullptr ? type_name : std::to_string(type)) +
                "; only Ethernet (EN10MB) can be classified, so capture on an Ethernet interface");
  }
  return CaptureFile(path, std::move(handle));
}

Result<std::optional<CapturedFrame>> CaptureFile::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  switch (pcap_next_ex(handle_.get(), &header, &bytes)) {
    case 1:
      return CapturedFrame{{bytes, header->caplen}, header->len};
    case PCAP_ERROR_BREAK:  // the end of a file
      return std::nullopt;
    default:
      return fail("capture " + path_ + " is damaged: " + pcap_geterr(handle_.get()) +
                  "; the frames before this place were read");
  }
}

}  // namespace bulkhead
