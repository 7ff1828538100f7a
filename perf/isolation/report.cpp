// SPDX-License-Identifier: Apache-2.0
#include "perf/isolation/report.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace bulkhead::perf {

void print(const Row& row) {
  nlohmann::ordered_json json{
      {"experiment", row.experiment}, {"what", row.what}, {"ours", row.ours}, {"unit", row.unit}};
  if (!row.beside.empty()) json.update({{"beside", row.beside}, {"theirs", row.theirs}});
  if (!row.asked.empty()) json["asked"] = row.asked;
  if (row.met) json["met"] = *row.met;
  if (!row.note.empty()) json["note"] = row.note;
  std::printf("%s\n", json.dump().c_str());
  std::fflush(stdout);
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace bulkhead::perf
