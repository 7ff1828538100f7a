// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace bulkhead {

/// What remains of a request's head (request line and header fields) once everything is gone that the
/// endpoint does not heed. Strict by RFC 9112: what can be read in two ways is refused.
///
/// Why it is there: cpp-httplib 0.11.4 acts on fields that nobody here wants (Range multiplies a body in
/// memory and runs a recursive regular expression, Accept-Encoding compresses at brotli's slowest level,
/// Expect writes an answer of its own), does not know every method, and URL-decodes field values. So it is
/// given a head that this file wrote: method, path, and of the fields only Accept and Authorization.
struct HttpHead {
  std::string text;         // for the library; ends with the empty line
  bool keep_alive = false;  // the connection may carry another request after this one
  int refused = 0;          // the status to answer with instead, or 0
  std::string because;      // where refused: one sentence
};

/// The largest body that is passed over in silence (a GET has none); more is refused with 413.
inline constexpr std::size_t kMaxIgnoredBody = 4096;

/// Reads one head, from the first byte of the request line to the end of the empty line. Pure; never throws
/// but for lack of memory.
[[nodiscard]] HttpHead read_http_head(std::string_view bytes);

/// Where the first head in `bytes` ends (after its empty line), or npos while that has not come. Bare line
/// feeds end a head too, so that it can be refused instead of waited for.
[[nodiscard]] std::size_t find_http_head_end(std::string_view bytes);

}  // namespace bulkhead
