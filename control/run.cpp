// SPDX-License-Identifier: Apache-2.0
#include "control/run.hpp"

#include <fmt/format.h>

#include <expected>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>

#include "control/appliance.hpp"
#include "control/config.hpp"
#include "control/config_in_force.hpp"
#include "control/control_server.hpp"
#include "control/cores.hpp"
#include "control/log.hpp"
#include "control/report.hpp"
#include "control/sd_notify.hpp"
#include "control/signals.hpp"
#include "control/snapshot_source.hpp"
#include "control/stats_server.hpp"

namespace bulkhead {
namespace {

// An orderly stop is promised in under 2 s; forwarding what is queued may take this much of it.
constexpr std::chrono::milliseconds kDrainPatience{500};

constexpr std::chrono::seconds kBetweenAudits{1};

/// The configuration, if it can be read and its slices can live together; else says why not.
std::optional<Config> prove(const std::expected<std::string, ConfigFaults>& text, const std::string& file) {
  auto config = text ? prove_config_text(*text, file, this_machine()) : std::unexpected(text.error());
  if (config) return std::move(*config);
  log_error_lines(config.error().to_string());
  return std::nullopt;
}

Result<std::unique_ptr<StatsServer>> start_endpoint(const StatsConfig& config, SnapshotSource& source) {
  StatsServer::Options options{.listen = config.listen, .token = {}};
  if (config.token_file) {
    auto token = load_token(*config.token_file);
    if (!token) return std::unexpected(token.error());
    options.token = std::move(*token);
  }
  return StatsServer::start(options, [&source] { return source.latest(); });
}

uint64_t sum_of(const std::vector<std::pair<std::string, uint64_t>>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0},
                         [](uint64_t sum, const auto& count) { return sum + count.second; });
}

/// The last word on where every packet went.
void log_accounts(const Snapshot& snapshot) {
  for (const Snapshot::Slice& slice : snapshot.slices) {
    uint64_t received = 0;
    uint64_t transmitted = 0;
    for (const Snapshot::SlicePort& port : slice.ports) {
      received += port.received.packets;
      for (const Snapshot::Traffic& traffic : port.transmitted) transmitted += traffic.packets;
    }
    log_info(fmt::format("slice {}: received {} and copied {}, transmitted {}, dropped {}", slice.name,
                         received, slice.replicated_packets, transmitted, sum_of(slice.dropped)));
  }
}

/// Does what a client of the control socket waits for.
Answer carry_out(ConfigInForce& config, ControlRequest request) {
  if (request.kind == ControlRequest::Kind::config) return {kExitOk, config.text()};
  if (request.kind == ControlRequest::Kind::plan) return config.plan(request.text, request.file);
  notify_reloading();
  Answer answer = config.apply(std::move(request.text), request.file);
  notify_ready();
  return answer;
}

/// Serves until told to stop; returns the exit status.
int serve(Appliance& appliance, ConfigInForce& config, ControlServer& control, Signals& signals,
          const std::string& file) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point audited = Clock::now();
  const auto handle = [&](ControlRequest request) { return carry_out(config, std::move(request)); };
  while (!config.broken()) {
    if (Clock::now() - audited >= kBetweenAudits) {
      appliance.audit();
      audited = Clock::now();
    }
    switch (signals.wait(kBetweenAudits)) {
      case Signals::Wish::none:
        break;
      case Signals::Wish::reload:
        notify_reloading();
        static_cast<void>(config.apply_file(file));  // the log has it
        notify_ready();
        break;
      case Signals::Wish::errands:
        control.do_next(handle);
        break;
      case Signals::Wish::stop:
        return kExitOk;
      case Signals::Wish::failed:
        log_error(signals.failure());
        return kExitFailed;
    }
  }
  return kExitFailed;
}

void log_ready(const Appliance& appliance) {
  const auto count = [](std::size_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  log_info(fmt::format("ready: {} on {}, {}, packets in {}, statistics at {}",
                       count(appliance.config().slices.size(), "slice"),
                       count(appliance.config().ports.size(), "port"), count(appliance.workers(), "worker"),
                       appliance.hugepages() ? "hugepages" : "ordinary pages",
                       appliance.config().stats.listen));
}

int fail_with(const ApplianceFault& fault) {
  log_error_lines(fault.message());
  return fault.kind() == ApplianceFault::Kind::refused ? kExitRefused : kExitFailed;
}

}  // namespace

int run_command(const std::string& file, const std::string& socket) {
  Signals signals;
  auto text = read_config_text(file);
  auto config = prove(text, file);
  if (!config) return kExitRefused;
  auto cores = worker_cores(config->appliance);
  if (!cores) return fail_with({cores.error(), ApplianceFault::Kind::refused});
  leave_cores_to_workers(*cores);

  SnapshotSource source;
  auto endpoint = start_endpoint(config->stats, source);
  if (!endpoint) return fail_with(endpoint.error());
  auto control = ControlServer::start({.socket = socket,
                                       .call = [&signals] { signals.call_for_errands(); },
                                       .latest = [&source] { return source.latest(); }});
  if (!control) return fail_with(control.error());

  auto appliance = Appliance::start(std::move(*config), std::move(*cores),
                                    [&signals](std::string why) { signals.fail(std::move(why)); });
  if (!appliance) return fail_with(appliance.error());
  source.attach(appliance->get());
  // Whatever happens, readers let go of it before it ends.
  const auto detach = [](SnapshotSource* attached) { attached->attach(nullptr); };
  std::unique_ptr<SnapshotSource, decltype(detach)> attached(&source, detach);
  log_ready(**appliance);
  notify_ready();

  ConfigInForce in_force(**appliance, std::move(*text));
  const int status = serve(**appliance, in_force, **control, signals, file);
  notify_stopping();
  (*control)->stop();
  (*appliance)->stop(kDrainPatience);
  attached.reset();
  log_accounts((*appliance)->snapshot());
  (*endpoint)->stop();
  log_info("stopped");
  return status;
}

}  // namespace bulkhead
