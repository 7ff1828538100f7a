// SPDX-License-Identifier: Apache-2.0
#include "control/remote_commands.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <ostream>
#include <string_view>
#include <thread>
#include <utility>

#include "control/config.hpp"
#include "control/control_client.hpp"
#include "control/control_protocol.hpp"
#include "control/control_server.hpp"

namespace bulkhead {
namespace {

/// Rates are known from two snapshots.
constexpr std::chrono::milliseconds kBetweenSnapshots{500};
constexpr timespec kBetweenTables{.tv_sec = 1, .tv_nsec = 0};

int print(const Answer& answer, std::ostream& out, std::ostream& err) {
  (answer.good() ? out : err) << answer.text;
  return answer.status;
}

/// Sends a file as it is now: whose it is and where it lies is the client's business.
int send_file(const std::string& socket, const char* path, const std::string& file, std::ostream& out,
              std::ostream& err) {
  auto text = read_config_text(file);
  if (!text) return print({kExitRefused, text.error().to_string()}, out, err);
  if (text->size() > kLargestControlText)
    return print({kExitRefused, file + ": is larger than 64MiB; write ranges and prefixes instead of single "
                                       "values, or reload it with SIGHUP\n"},
                 out, err);
  const ConfigText config{.file = file, .text = std::move(*text)};
  return print(ask_control(socket, {.path = path, .config = &config}), out, err);
}

/// Over the table before: from the top of the screen, each line to its end, and nothing below.
std::string redrawn(std::string_view table) {
  std::string out = "\x1b[H";
  for (const char c : table) out += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  return out + "\x1b[J";
}

/// False where it is time to go.
bool wait_for_next(const sigset_t& stop) {
  int signal = 0;
  do signal = ::sigtimedwait(&stop, nullptr, &kBetweenTables);
  while (signal < 0 && errno == EINTR);
  return signal < 0;
}

}  // namespace

int plan_command(const std::string& socket, const std::string& file, std::ostream& out, std::ostream& err) {
  return send_file(socket, kPlanPath, file, out, err);
}

int apply_command(const std::string& socket, const std::string& file, std::ostream& out, std::ostream& err) {
  return send_file(socket, kApplyPath, file, out, err);
}

int status_command(const std::string& socket, StatusForm form, std::ostream& out, std::ostream& err) {
  const auto show = [&](const char* path) { return print(ask_control(socket, {.path = path}), out, err); };
  if (form == StatusForm::config) return show(kConfigPath);
  if (form == StatusForm::rules) return show(kRulesPath);
  if (form == StatusForm::rules_json) return show(kRulesJsonPath);
  const ControlQuestion question{.path = form == StatusForm::json ? kStatusJsonPath : kStatusPath};
  if (const Answer first = ask_control(socket, question); !first.good()) return print(first, out, err);
  std::this_thread::sleep_for(kBetweenSnapshots);
  return print(ask_control(socket, question), out, err);
}

int top_command(const std::string& socket, bool terminal, std::ostream& out, std::ostream& err) {
  sigset_t stop;
  sigemptyset(&stop);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&stop, signal);
  if (terminal) out << "\x1b[2J";
  do {
    // Whoever waits for an answer is ended by them at once: it may never come.
    pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
    const Answer answer = ask_control(socket, {.path = kStatusPath});
    pthread_sigmask(SIG_BLOCK, &stop, nullptr);
    if (!answer.good()) return print(answer, out, err);
    out << (terminal ? redrawn(answer.text) : answer.text + "\n") << std::flush;
  } while (out && wait_for_next(stop));
  return kExitOk;
}

}  // namespace bulkhead
