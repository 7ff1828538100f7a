// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/certify.hpp"
#include "control/certify_run.hpp"
#include "control/classify.hpp"
#include "control/config_faults.hpp"
#include "control/report.hpp"
#include "control/run.hpp"

namespace {

constexpr const char* kVersion = "bulkhead " BULKHEAD_VERSION;

CLI::App* add_certify(CLI::App& app, bulkhead::CertifyOptions& test) {
  CLI::App* const certify = app.add_subcommand(
      "certify", "Test with generated traffic what each slice gets, in the manner of ITU-T Y.1564");
  certify->add_option("FILE", test.file, "configuration; its devices are not touched")->required();
  certify->add_option("--slice", test.slice, "test this one, not all");
  certify->add_option("--seconds", test.seconds, "for each row, or longer where a rate is low")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 3600.0));
  certify->add_flag("--json", test.json, "machine-readable output");
  certify->footer(std::string(bulkhead::kCertifyCriteria));
  return certify;
}

/// CLI11 only says that a command is required, whatever stands there instead of one.
bool is_known_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  if (word.starts_with('-') || std::ranges::find(commands, word) != commands.end()) return true;
  const std::vector<std::string_view> names(commands.begin(), commands.end());
  std::cerr << "there is no command " << bulkhead::in_quotes(word) << bulkhead::suggestion(word, names)
            << '\n';
  return false;
}

int run(int argc, char** argv) {
  CLI::App app{"Bulkhead: many isolated networks on one set of ports", "bulkhead"};
  app.set_version_flag("--version", kVersion);
  app.require_subcommand(1);
  std::string file;
  int status = bulkhead::kExitOk;

  CLI::App* const run =
      app.add_subcommand("run", "Start the appliance; SIGHUP re-reads FILE, SIGTERM stops in order");
  run->add_option("FILE", file, "configuration")->required();
  run->callback([&] { status = bulkhead::run_command(file); });

  bool json = false;
  CLI::App* const check = app.add_subcommand("check", "Prove the policy and show what each slice gets");
  check->add_option("FILE", file, "configuration")->required();
  check->add_flag("--json", json, "machine-readable output");
  check->callback([&] { status = bulkhead::check_command(file, json, std::cout, std::cerr); });

  std::string capture;
  std::optional<std::string> port;
  CLI::App* const classify = app.add_subcommand(
      "classify", "Say which slice each packet of a capture belongs to, and by which entry");
  classify->add_option("FILE", file, "configuration")->required();
  classify->add_option("CAPTURE", capture, "Ethernet capture (pcap)")->required();
  classify->add_option("--port", port, "the port at which the packets arrive");
  classify->callback([&] { status = bulkhead::classify_command(file, capture, port, std::cout, std::cerr); });

  bulkhead::CertifyOptions test;
  CLI::App* const certify = add_certify(app, test);
  certify->callback([&] { status = bulkhead::certify_command(test, std::cout, std::cerr); });

  for (CLI::App* command : {run, check, classify, certify}) command->set_version_flag("--version", kVersion);
  if (argc > 1 && !is_known_command(app, argv[1])) return bulkhead::kExitUsage;
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& information) {
    status = app.exit(information);
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return bulkhead::kExitUsage;
  }
  return status;
}

/// What was to be read must have been written: a full disk is no success.
int flushed(int status) {
  if (std::cout.flush()) return status;
  std::cerr << "bulkhead: standard output cannot be written: " << std::strerror(errno)
            << "; free some space, or write elsewhere\n";
  return status == bulkhead::kExitOk ? bulkhead::kExitFailed : status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return flushed(run(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "bulkhead: " << error.what() << '\n';
    return bulkhead::kExitFailed;
  }
}
