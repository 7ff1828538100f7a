// SPDX-License-Identifier: Apache-2.0
#include "control/http_head.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace bulkhead;

TEST_CASE("A head keeps its method and path, and loses what is not heeded") {
  struct Row {
    std::string description;
    std::string bytes;
    std::string text;
    bool keep_alive;
  };
  const std::vector<Row> rows = {
      {"plain", "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "GET /metrics HTTP/1.1\r\n\r\n", true},
      {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", true},
      {"query", "HEAD /metrics?a=b?c HTTP/1.1\r\nhost:a\r\n\r\n", "HEAD /metrics HTTP/1.1\r\n\r\n", true},
      {"absolute form", "GET http://box:9180/readyz HTTP/1.1\r\nHost: a\r\n\r\n",
       "GET /readyz HTTP/1.1\r\n\r\n", true},
      {"absolute form without path", "GET http://box HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
       true},
      {"fields that the library would act on",
       "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-,0-\r\nAccept-Encoding: br\r\nExpect: "
       "100-continue\r\n\r\n",
       "GET / HTTP/1.1\r\n\r\n", true},
      {"a forged refusal", "GET / HTTP/1.1\r\nHost: a\r\nBulkhead-Refused: 200 ok\r\n\r\n",
       "GET / HTTP/1.1\r\n\r\n", true},
      {"accept, in two lines",
       "GET / HTTP/1.1\r\nHost: a\r\nACCEPT:  text/plain \r\nAccept:*/*;q=0.1\r\n\r\n",
       "GET / HTTP/1.1\r\nAccept: text/plain, */*;q=0.1\r\n\r\n", true},
      {"authorization with a percent sign", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a%41\r\n\r\n",
       "GET / HTTP/1.1\r\nAuthorization: Bearer a%2541\r\n\r\n", true},
      {"close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
       "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
      {"HTTP/1.0 needs no Host and closes", "GET / HTTP/1.0\r\n\r\n",
       "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
      {"a small body closes", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
       "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
      {"an empty body", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
       "OPTIONS /x HTTP/1.1\r\n\r\n", true},
      {"unknown method", "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS /pot HTTP/1.1\r\n\r\n", true},
      {"methods are case-sensitive", "get / HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS / HTTP/1.1\r\n\r\n", true},
      {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS * HTTP/1.1\r\n\r\n", true},
  };
  for (const auto& row : rows) {
    INFO(row.description);
    const HttpHead head = read_http_head(row.bytes);
    CHECK(head.refused == 0);
    CHECK(head.text == row.text);
    CHECK(head.keep_alive == row.keep_alive);
  }
}

TEST_CASE("A head that is wrong, or can be read in two ways, is refused") {
  struct Row {
    std::string description;
    std::string bytes;
    int status;
  };
  using namespace std::string_literals;
  const std::string host = "Host: a\r\n";
  const std::vector<Row> rows = {
      {"nothing", "", 400},
      {"garbage", "\x16\x03\x01\x02\r\n\r\n", 400},
      {"not ended", "GET / HTTP/1.1\r\n" + host, 400},
      {"bare line feeds", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"one bare line feed", "GET / HTTP/1.1\r\nA: b\nC: d\r\n" + host + "\r\n", 400},
      {"bare carriage return", "GET / HTTP/1.1\r\nA: b\rC: d\r\n" + host + "\r\n", 400},
      {"NUL", "GET / HTTP/1.1\r\nA: \0\r\n"s + host + "\r\n", 400},
      {"no version", "GET /\r\n" + host + "\r\n", 400},
      {"space in the target", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"bytes above ASCII in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" + host + "\r\n", 400},
      {"method is no token", "G(T / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"newer version", "GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"another protocol", "GET / ICY/1.1\r\n" + host + "\r\n", 400},
      {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", "GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"no colon", "GET / HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", 400},
      {"space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"folded line", "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400},
      {"control character in a value", "GET / HTTP/1.1\r\n" + host + "A: \x01\r\n\r\n", 400},
      {"chunked body", "GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n", 413},
      {"large body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 4097\r\n\r\n", 413},
      {"boundless body", "POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999999\r\n\r\n",
       413},
      {"negative length", "GET / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"two lengths", "GET / HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", 400},
      {"two authorizations", "GET / HTTP/1.1\r\n" + host + "Authorization: a\r\nAuthorization: b\r\n\r\n",
       400},
  };
  for (const auto& row : rows) {
    INFO(row.description);
    const HttpHead head = read_http_head(row.bytes);
    CHECK(head.refused == row.status);
    CHECK_FALSE(head.because.empty());
    CHECK_FALSE(head.keep_alive);
  }
}

TEST_CASE("A head ends at its empty line, wherever the bytes were cut") {
  CHECK(find_http_head_end("GET / HTTP/1.1\r\n\r\nGET") == 18);
  CHECK(find_http_head_end("GET / HTTP/1.1\n\nGET") == 16);
  CHECK(find_http_head_end("\r\n\r\nGET / HTTP/1.1\r\n\r\n") == 22);
  CHECK(find_http_head_end("GET / HTTP/1.1\r\nHost: a\r\n") == std::string::npos);
  CHECK(find_http_head_end("\r\n\r\n\r\n") == std::string::npos);
  CHECK(find_http_head_end("") == std::string::npos);
}

TEST_CASE("Whatever comes in, what goes to the library has lines of its own making") {
  std::mt19937 random(1);
  const std::string alphabet = "GET /metrics HTTP/1.1\r\n\r\nHost: a\r\nAuthorization: Accept%:?#*\x01\xff";
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int edits = 0; edits < 4; ++edits) {
      bytes.insert(random() % (bytes.size() + 1), 1, alphabet[random() % alphabet.size()]);
      if (random() % 2 == 0) bytes.erase(random() % bytes.size(), 1);
    }
    const HttpHead head = read_http_head(bytes);
    REQUIRE(head.text.ends_with("\r\n\r\n"));
    REQUIRE(find_http_head_end(head.text) == head.text.size());
    REQUIRE((head.text.starts_with("GET ") || head.text.starts_with("OPTIONS ")));
  }
}
