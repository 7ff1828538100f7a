// SPDX-License-Identifier: Apache-2.0
#include "control/sd_notify.hpp"

#include <systemd/sd-daemon.h>

#include <chrono>
#include <string>

namespace bulkhead {
namespace {

void notify(const std::string& state) { static_cast<void>(sd_notify(0, state.c_str())); }

}  // namespace

void notify_ready() { notify("READY=1"); }

void notify_reloading() {
  // The manager pairs the message with its SIGHUP by this time, which has to be CLOCK_MONOTONIC's:
  // libstdc++'s steady_clock is.
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void notify_stopping() { notify("STOPPING=1"); }

void notify_status(std::string_view status) {
  notify("STATUS=" + std::string(status.substr(0, status.find_first_of("\r\n"))));
}

}  // namespace bulkhead
