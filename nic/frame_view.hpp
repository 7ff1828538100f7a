// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace bulkhead {

/// A frame to be read, from destination address to payload, without frame check sequence. Does not own the
/// bytes. A frame may lie in several segments; `read` crosses them safely, and never reads past the end.
class FrameView {
 public:
  /// A frame that lies in one piece.
  FrameView(const uint8_t* bytes, uint32_t length) : first_(bytes), contiguous_(length), length_(length) {}

  /// Copies [offset, offset + size) of a frame in several segments to `scratch`, and returns it.
  /// Requires: the range lies within the frame.
  using ReadAcross = const uint8_t* (*)(const void* segments, uint32_t offset, uint32_t size,
                                        uint8_t* scratch);
  FrameView(const uint8_t* bytes, uint32_t contiguous, uint32_t length, const void* segments,
            ReadAcross read_across)
      : first_(bytes),
        contiguous_(contiguous),
        length_(length),
        segments_(segments),
        read_across_(read_across) {}

  /// Bytes of the whole frame.
  [[nodiscard]] uint32_t length() const { return length_; }
  /// The bytes that can be reached through `data()` without crossing a segment.
  [[nodiscard]] uint32_t contiguous() const { return contiguous_; }
  [[nodiscard]] const uint8_t* data() const { return first_; }

  /// `size` bytes from `offset`, in place where they are contiguous, else gathered in `scratch` (of at least
  /// `size` bytes). Null where the frame ends before.
  [[nodiscard]] const uint8_t* read(uint32_t offset, uint32_t size, uint8_t* scratch) const {
    if (offset <= contiguous_ && size <= contiguous_ - offset) [[likely]]
      return first_ + offset;
    if (offset > length_ || size > length_ - offset) return nullptr;
    return read_across_(segments_, offset, size, scratch);
  }

 private:
  const uint8_t* first_;
  uint32_t contiguous_;
  uint32_t length_;
  const void* segments_ = nullptr;
  ReadAcross read_across_ = nullptr;
};

}  // namespace bulkhead
