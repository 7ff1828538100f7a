// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace bulkhead::test {

// What drivers and buses say of a device to those who asked to be told, as if they said it now. The device
// must be there. The callbacks run in the calling thread.

/// A virtual function's driver, where the physical one was reset.
void ask_for_reset(const std::string& device);

/// A driver, where the device does not answer any more.
void say_removed(const std::string& device);

/// The bus, where someone wants to take the device away.
void ask_for_release(const std::string& device);

}  // namespace bulkhead::test
