// SPDX-License-Identifier: Apache-2.0
#include "control/http_head.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace bulkhead {
namespace {

struct Refusal {
  int status;
  const char* because;
};

/// The fields that mean something here.
struct Fields {
  std::string accept;
  std::string authorization;
  int hosts = 0;
  bool close = false;
  bool transfer_encoding = false;
  std::optional<uint64_t> content_length;
};

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// RFC 9110, 5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() &&
         std::ranges::all_of(text, [&](char c) { return is_letter_or_digit(c) || kOthers.contains(c); });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// RFC 9110, 5.5: visible characters, spaces and tabs, and bytes above ASCII.
bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
  });
}

/// Takes a line off the front. Requires: `rest` holds a CRLF.
std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  return line;
}

std::optional<Refusal> read_content_length(std::string_view value, Fields& fields) {
  constexpr Refusal kBad{400, "Content-Length is not one number"};
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error == std::errc::result_out_of_range)
    return Refusal{413, "the request has a body; this endpoint takes none"};
  if (error != std::errc{} || end != value.data() + value.size()) return kBad;
  if (fields.content_length && *fields.content_length != length) return kBad;  // RFC 9112, 6.3: smuggling
  fields.content_length = length;
  return std::nullopt;
}

std::optional<Refusal> read_field(std::string_view line, Fields& fields) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return Refusal{400, "a header line is not `name: value`"};
  }
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) return Refusal{400, "a header value holds a control character"};
  if (equal_ignoring_case(name, "content-length")) return read_content_length(value, fields);
  if (equal_ignoring_case(name, "host")) ++fields.hosts;
  if (equal_ignoring_case(name, "transfer-encoding")) fields.transfer_encoding = true;
  if (equal_ignoring_case(name, "connection") && !equal_ignoring_case(value, "keep-alive"))
    fields.close = true;
  if (equal_ignoring_case(name, "accept")) {
    if (!fields.accept.empty()) fields.accept += ", ";  // RFC 9110, 5.3: a list may come in several lines
    fields.accept += value;
  }
  if (equal_ignoring_case(name, "authorization")) {
    if (!fields.authorization.empty()) return Refusal{400, "there is more than one Authorization"};
    fields.authorization = value;
  }
  return std::nullopt;
}

struct RequestLine {
  std::string_view method;
  std::string_view path;  // of the target: without scheme, authority and query
  bool http_1_0 = false;
};

/// RFC 9112, 3.2.2: a server has to take the absolute form too. The endpoint has no parameters, so the query
/// goes.
std::string_view path_of(std::string_view target) {
  if (const std::size_t scheme = target.find("://");
      !target.starts_with('/') && scheme != std::string_view::npos) {
    const std::size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
  }
  return target.substr(0, target.find_first_of("?#"));
}

std::optional<Refusal> read_request_line(std::string_view line, RequestLine& request) {
  constexpr Refusal kBad{400, "the request line is not `method path HTTP/1.1`"};
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return kBad;
  request.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  const bool visible = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; });
  if (!is_token(request.method) || target.empty() || !visible || !version.starts_with("HTTP/")) return kBad;
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return Refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"};
  request.path = path_of(target);
  if (request.path.empty()) request.path = "*";  // as good as any that is not there
  request.http_1_0 = version == "HTTP/1.0";
  return std::nullopt;
}

std::optional<Refusal> check_fields(const Fields& fields, const RequestLine& request) {
  if (fields.hosts > 1 || (fields.hosts == 0 && !request.http_1_0)) {
    return Refusal{400, "a request has one Host header"};  // RFC 9112, 3.2
  }
  if (fields.transfer_encoding || fields.content_length.value_or(0) > kMaxIgnoredBody) {
    return Refusal{413, "the request has a body; this endpoint takes none"};
  }
  return std::nullopt;
}

/// The library URL-decodes field values; what is encoded here comes out as it came in.
std::string encoded(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '%') {
      text += "%25";
    } else {
      text += c;
    }
  }
  return text;
}

std::string head_for_library(const RequestLine& request, const Fields& fields, bool keep_alive) {
  // The library refuses methods that it does not know with 400. To the routes one is as unwelcome as another.
  const bool reads = request.method == "GET" || request.method == "HEAD";
  std::string text(reads ? request.method : "OPTIONS");
  text.append(" ").append(request.path).append(" HTTP/1.1\r\n");
  if (!fields.accept.empty()) text += "Accept: " + encoded(fields.accept) + "\r\n";
  if (!fields.authorization.empty()) text += "Authorization: " + encoded(fields.authorization) + "\r\n";
  if (!keep_alive) text += "Connection: close\r\n";
  return text + "\r\n";
}

HttpHead refuse(const Refusal& refusal) {
  return {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false, refusal.status, refusal.because};
}

/// A CR or LF alone, which some would take for a line's end and some not; or a NUL.
bool has_stray_control(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\0') return true;
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return true;
    if (bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n')) return true;
  }
  return false;
}

}  // namespace

HttpHead read_http_head(std::string_view bytes) {
  while (bytes.starts_with("\r\n")) bytes.remove_prefix(2);  // RFC 9112, 2.2
  if (!bytes.ends_with("\r\n\r\n") || has_stray_control(bytes)) {
    return refuse({400, "the request's lines do not all end with CRLF"});
  }
  RequestLine request;
  if (const auto refusal = read_request_line(next_line(bytes), request)) return refuse(*refusal);
  Fields fields;
  while (bytes != "\r\n") {
    if (const auto refusal = read_field(next_line(bytes), fields)) return refuse(*refusal);
  }
  if (const auto refusal = check_fields(fields, request)) return refuse(*refusal);
  HttpHead head;
  // A body that nobody reads would be taken for the next request.
  head.keep_alive = !fields.close && !request.http_1_0 && fields.content_length.value_or(0) == 0;
  head.text = head_for_library(request, fields, head.keep_alive);
  return head;
}

std::size_t find_http_head_end(std::string_view bytes) {
  const std::size_t start = std::min(bytes.find_first_not_of("\r\n"), bytes.size());
  const std::size_t crlf = bytes.find("\n\r\n", start);
  const std::size_t lf = bytes.find("\n\n", start);
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return std::string_view::npos;
  return crlf < lf ? crlf + 3 : lf + 2;
}

}  // namespace bulkhead
