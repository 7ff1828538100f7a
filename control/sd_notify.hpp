// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace bulkhead {

/// What a service of Type=notify-reload tells its manager (systemd, sd_notify(3)). Where there is no manager
/// (NOTIFY_SOCKET is not set) nothing happens. Nobody could act on a failure, so none is reported: the
/// manager has its own time-outs.

/// Start-up is finished, or a reload is.
void notify_ready();

/// A reload begins; followed by notify_ready() when it has ended, well or badly.
void notify_reloading();

/// Orderly stop begins.
void notify_stopping();

/// One line for `systemctl status`; what follows a line break is left out.
void notify_status(std::string_view status);

}  // namespace bulkhead
