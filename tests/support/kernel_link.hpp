// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "nic/wire.hpp"
#include "tests/support/frames.hpp"

/// Interfaces of the kernel for ports to work on. They lie in a network namespace that the test's process has
/// to itself, so that nothing else speaks on them, and they go with the process however it ends. Root only.
namespace bulkhead::test {

/// Moves the calling thread, and what it starts from now on, into a network namespace of its own, once.
void enter_private_network();

/// Runs a shell command, which must succeed.
void shell(const std::string& command);

/// Two interfaces that a cable connects, up. Removed at the end.
class VethPair {
 public:
  VethPair(std::string near, const std::string& far);
  VethPair(const VethPair&) = delete;
  VethPair& operator=(const VethPair&) = delete;
  ~VethPair();

 private:
  std::string near_;
};

/// Raw frames in and out of a kernel's interface.
class KernelLink {
 public:
  explicit KernelLink(const std::string& interface);
  KernelLink(const KernelLink&) = delete;
  KernelLink& operator=(const KernelLink&) = delete;
  ~KernelLink();

  void send(const Frame& frame) const;
  /// The next frame that `from` sent and that came in here; empty when none does for ten seconds. Frames that
  /// the kernel sends on its own are passed over.
  [[nodiscard]] Frame receive_from(MacAddress from) const;

 private:
  int socket_;
};

/// Repeats `attempt` until it is true; false when it never is for ten seconds. For what another thread or the
/// kernel does in its own time.
template <class Attempt>
[[nodiscard]] bool eventually(const Attempt& attempt) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
  while (!attempt())
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

}  // namespace bulkhead::test
