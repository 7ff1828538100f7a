// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
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
#include "control/control_server.hpp"
#include "control/remote_commands.hpp"
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

/// What the commands about the running appliance are told.
struct Remote {
  std::string file;
  std::string socket = bulkhead::kControlSocket;
  bool json = false;
  bool config = false;
  bool rules = false;
};

/// These commands; `remote` and `status` must live as long as `app`.
std::vector<CLI::App*> add_remote_commands(CLI::App& app, Remote& remote, int& status) {
  CLI::App* const plan =
      app.add_subcommand("plan", "Show what `apply` would change in the running appliance");
  plan->add_option("FILE", remote.file, "configuration")->required();
  plan->callback([&] { status = bulkhead::plan_command(remote.socket, remote.file, std::cout, std::cerr); });

  CLI::App* const apply = app.add_subcommand("apply", "Change the running appliance to FILE, all or nothing");
  apply->add_option("FILE", remote.file, "configuration")->required();
  apply->callback(
      [&] { status = bulkhead::apply_command(remote.socket, remote.file, std::cout, std::cerr); });

  CLI::App* const show =
      app.add_subcommand("status", "Show slices, rates, drops, CPU and rules in one table");
  CLI::Option* const json = show->add_flag("--json", remote.json, "machine-readable output");
  CLI::Option* const config =
      show->add_flag("--config", remote.config, "the running configuration instead")->excludes(json);
  show->add_flag("--rules", remote.rules, "the flow rules instead, where they are, and why")
      ->excludes(config);
  show->callback([&] {
    using bulkhead::StatusForm;
    StatusForm form = remote.json ? StatusForm::json : remote.config ? StatusForm::config : StatusForm::table;
    if (remote.rules) form = remote.json ? StatusForm::rules_json : StatusForm::rules;
    status = bulkhead::status_command(remote.socket, form, std::cout, std::cerr);
  });

  CLI::App* const top = app.add_subcommand("top", "Show the same table each second, until interrupted");
  top->callback([&] {
    status = bulkhead::top_command(remote.socket, ::isatty(STDOUT_FILENO) == 1, std::cout, std::cerr);
  });
  return {plan, apply, show, top};
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
  Remote remote;
  int status = bulkhead::kExitOk;

  CLI::App* const run =
      app.add_subcommand("run", "Start the appliance; SIGHUP re-reads FILE, SIGTERM stops in order");
  run->add_option("FILE", file, "configuration")->required();
  run->callback([&] { status = bulkhead::run_command(file, remote.socket); });

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

  std::vector<CLI::App*> commands = add_remote_commands(app, remote, status);
  commands.push_back(run);
  for (CLI::App* command : commands)
    command->add_option("--socket", remote.socket, "unix socket of the running appliance")
        ->capture_default_str();
  commands.insert(commands.end(), {check, classify, certify});
  for (CLI::App* command : commands) command->set_version_flag("--version", kVersion);
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
