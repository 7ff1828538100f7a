// SPDX-License-Identifier: Apache-2.0
#include "control/capture_file.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/control/temporary_directory.hpp"
#include "tests/support/pcap_file.hpp"

namespace bulkhead {
namespace {

using namespace test;

std::string refusal(const std::string& path) {
  const auto file = CaptureFile::open(path);
  return file ? "opened" : file.error().message();
}

TEST_CASE("frames come as they were captured, and then nothing", "[capture_file]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("two.pcap");
  const std::vector<Frame> frames{tag(numbered(1), 100), numbered(2)};
  write_pcap(path, frames);
  auto file = CaptureFile::open(path);
  REQUIRE(file);
  for (const Frame& frame : frames) {
    const auto next = file->next();
    REQUIRE((next && *next));
    CHECK(Frame((*next)->bytes.begin(), (*next)->bytes.end()) == frame);
    CHECK((*next)->length == frame.size());
  }
  const auto end = file->next();
  REQUIRE(end);
  CHECK_FALSE(*end);
}

TEST_CASE("a capture that ends within a frame is an error that names the file", "[capture_file]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("torn.pcap");
  write_pcap(path, {numbered(1), numbered(2)});
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  auto file = CaptureFile::open(path);
  REQUIRE(file);
  REQUIRE(file->next());
  const auto torn = file->next();
  REQUIRE_FALSE(torn);
  CHECK_THAT(torn.error().message(), Catch::Contains(path));
}

TEST_CASE("what is no capture of Ethernet frames is refused, and named", "[capture_file]") {
  const TemporaryDirectory directory;
  const std::string path = directory.file("text.pcap");
  std::ofstream(path) << "this is no capture, but long enough to look for one\n";
  CHECK_THAT(refusal(path), Catch::Contains(path));
  CHECK_THAT(refusal(directory.file("none.pcap")), Catch::Contains("none.pcap"));
  // A good header, but of raw IP (link type 101).
  const std::string raw = directory.file("raw.pcap");
  write_pcap(raw, {numbered(1)});
  std::fstream header(raw, std::ios::in | std::ios::out | std::ios::binary);
  header.seekp(20);
  header.put(101);
  header.close();
  CHECK_THAT(refusal(raw), Catch::Contains(raw) && Catch::Contains("Ethernet"));
}

}  // namespace
}  // namespace bulkhead
