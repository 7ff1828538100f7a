// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace bulkhead {

/// The packaged libraries are not instrumented, so ThreadSanitizer cannot see that a packet freed by one
/// worker and received by another went through DPDK's synchronised ring, nor a task through oneTBB's. These
/// two say so; in every other build they are nothing.
#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
inline void hand_over_to_library(void* object) { __tsan_release(object); }
inline void take_over_from_library(void* object) { __tsan_acquire(object); }
#else
inline void hand_over_to_library(void*) {}
inline void take_over_from_library(void*) {}
#endif

}  // namespace bulkhead
