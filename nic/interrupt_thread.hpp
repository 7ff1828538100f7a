// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace bulkhead {

/// Calls `work(argument)` in the thread in which DPDK calls its drivers' interrupt handlers, and waits until
/// it is done, and handlers that were due before too: none runs meanwhile, nor for what the work has closed.
/// In the calling thread where that is the one, or where there are no files left to open. Requires: DPDK is
/// up. Any thread, but none that such a handler waits for.
void call_between_interrupts(void (*work)(void*), void* argument);

/// The same for anything that can be called.
template <class Work>
void between_interrupts(Work work) {
  call_between_interrupts([](void* of) { (*static_cast<Work*>(of))(); }, &work);
}

}  // namespace bulkhead
