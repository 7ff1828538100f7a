// SPDX-License-Identifier: Apache-2.0
#include "control/run.hpp"

#include <fmt/format.h>

#include <memory>
#include <numeric>
#include <utility>

#include "control/appliance.hpp"
#include "control/config.hpp"
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

void log_lines(const std::string& text) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    log_error(std::string_view(text).substr(start, end - start));
    start = end + 1;
  }
}

/// The configuration, if it can be read and its slices can live together; else says why not.
std::optional<Config> load_proved(const std::string& file, const Resources& resources) {
  auto config = load_proved_config(file, resources);
  if (config) return std::move(*config);
  log_lines(config.error().to_string());
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

/// False where neither the new configuration nor the old one is in force.
bool reload(Appliance& appliance, const std::string& file) {
  const auto config = load_proved(file, {.port_speeds = {}, .workers = appliance.workers()});
  if (!config) {
    log_error(fmt::format("{}: refused; the running configuration stays as it is", file));
    return true;
  }
  if (const auto done = appliance.reload(*config); !done) {
    log_lines(done.error().message());
    const bool broken = done.error().kind() == ApplianceFault::Kind::broken;
    log_error(fmt::format(
        "{}: refused; {}", file,
        broken ? "the appliance cannot go on as before, and stops" : "the old configuration is in force"));
    return !broken;
  }
  log_info(fmt::format("{}: in force", file));
  return true;
}

/// Serves until told to stop; returns the exit status.
int serve(Appliance& appliance, Signals& signals, const std::string& file) {
  while (true) {
    switch (signals.wait()) {
      case Signals::Wish::reload:
        notify_reloading();
        if (!reload(appliance, file)) return kExitFailed;
        notify_ready();
        break;
      case Signals::Wish::stop:
        return kExitOk;
      case Signals::Wish::failed:
        log_error(signals.failure());
        return kExitFailed;
    }
  }
}

int fail_with(const ApplianceFault& fault) {
  log_lines(fault.message());
  return fault.kind() == ApplianceFault::Kind::refused ? kExitRefused : kExitFailed;
}

}  // namespace

int run_command(const std::string& file) {
  Signals signals;
  auto config = load_proved(file, this_machine());
  if (!config) return kExitRefused;
  auto cores = worker_cores(config->appliance);
  if (!cores) return fail_with({cores.error(), ApplianceFault::Kind::refused});
  leave_cores_to_workers(*cores);

  SnapshotSource source;
  auto endpoint = start_endpoint(config->stats, source);
  if (!endpoint) return fail_with(endpoint.error());
  const std::string listen = config->stats.listen;

  auto appliance = Appliance::start(std::move(*config), std::move(*cores),
                                    [&signals](std::string why) { signals.fail(std::move(why)); });
  if (!appliance) return fail_with(appliance.error());
  source.attach(appliance->get());
  const auto count = [](std::size_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
  };
  log_info(fmt::format("ready: {} on {}, {}, packets in {}, statistics at {}",
                       count((*appliance)->config().slices.size(), "slice"),
                       count((*appliance)->config().ports.size(), "port"),
                       count((*appliance)->workers(), "worker"),
                       (*appliance)->hugepages() ? "hugepages" : "ordinary pages", listen));
  notify_ready();

  const int status = serve(**appliance, signals, file);
  notify_stopping();
  (*appliance)->stop(kDrainPatience);
  source.attach(nullptr);
  log_accounts((*appliance)->snapshot());
  (*endpoint)->stop();
  log_info("stopped");
  return status;
}

}  // namespace bulkhead
