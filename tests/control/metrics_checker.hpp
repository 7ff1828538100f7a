// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead {

/// A metrics text read back by the rules of the exposition formats, for tests: what a scraper would see, and
/// every rule that was broken on the way.
struct ScrapedMetrics {
  std::map<std::string, std::string> types;    // family -> counter, gauge, histogram
  std::map<std::string, std::string> help;     // family -> text
  std::map<std::string, std::string> samples;  // name{labels} -> value as written
  std::vector<std::string> broken_rules;
  bool ended_by_eof = false;
};

/// The family that a sample belongs to: its own name, or that without one of the suffixes that its family's
/// type allows.
inline std::string family_of(const ScrapedMetrics& metrics, const std::string& sample) {
  if (metrics.types.contains(sample)) return sample;
  for (const std::string suffix : {"_total", "_bucket", "_sum", "_count"}) {
    if (!sample.ends_with(suffix)) continue;
    const auto found = metrics.types.find(sample.substr(0, sample.size() - suffix.size()));
    if (found == metrics.types.end()) continue;
    if (found->second == (suffix == "_total" ? "counter" : "histogram")) return found->first;
  }
  return {};
}

inline ScrapedMetrics scrape(std::string_view text) {
  ScrapedMetrics metrics;
  std::set<std::string> finished;
  std::string current;
  const auto broken = [&](const std::string& rule, std::string_view line) {
    metrics.broken_rules.push_back(rule + ": " + std::string(line));
  };
  if (!text.ends_with('\n')) broken("the last line has no end", "");
  while (!text.empty()) {
    const std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (metrics.ended_by_eof) broken("something follows # EOF", line);
    if (line == "# EOF") {
      metrics.ended_by_eof = true;
    } else if (line.starts_with("# HELP ") || line.starts_with("# TYPE ")) {
      const std::size_t name_end = line.find(' ', 7);
      const std::string name = line.substr(7, name_end - 7);
      auto& table = line[2] == 'H' ? metrics.help : metrics.types;
      if (name_end == std::string::npos || !table.emplace(name, line.substr(name_end + 1)).second) {
        broken("a second or empty HELP or TYPE", line);
      }
      if (name != current && !finished.insert(name).second) broken("a family in two places", line);
      current = name;
    } else {
      const std::size_t value = line.rfind(' ');
      const std::string series = line.substr(0, value);
      if (value == std::string::npos) broken("a sample without a value", line);
      if (!metrics.samples.emplace(series, line.substr(value + 1)).second) broken("a series twice", line);
      if (family_of(metrics, series.substr(0, series.find('{'))) != current ||
          !metrics.help.contains(current)) {
        broken("a sample outside its family, or before its HELP and TYPE", line);
      }
    }
  }
  return metrics;
}

}  // namespace bulkhead
