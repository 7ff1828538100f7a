// SPDX-License-Identifier: Apache-2.0
#include "nic/eal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>

#include "nic/dpdk_log.hpp"
#include "nic/packet_state.hpp"
#include "nic/worker_thread.hpp"

namespace bulkhead {
namespace {

// DPDK's own tables, rings and device memory beside the packets.
constexpr Bytes kOverhead{64u << 20};

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): so is DPDK, once per process
std::atomic<bool> started_before{false};

/// One line of the kernel's account of memory, in its own unit (KiB, or pages).
uint64_t meminfo(std::string_view wanted) {
  std::ifstream account("/proc/meminfo");
  for (std::string key, rest; account >> key && std::getline(account, rest);)
    if (key == wanted) return std::stoull(rest);
  return 0;
}

Bytes free_hugepages() { return Bytes{meminfo("HugePages_Free:") * meminfo("Hugepagesize:") << 10}; }

bool has_argument(const EalOptions& options, std::string_view name) {
  return std::ranges::any_of(options.arguments,
                             [&](const std::string& argument) { return argument.starts_with(name); });
}

std::vector<std::string> arguments_of(const EalOptions& options, bool hugepages) {
  // The main thread keeps all its cores: workers pin themselves, and the main thread is not one of them.
  std::vector<std::string> arguments{"bulkhead",
                                     fmt::format("--lcores=0@({})", fmt::join(usable_cores(), ",")),
                                     "--no-telemetry", "--log-level=warning", "--file-prefix=bulkhead"};
  const uint64_t megabytes = (options.memory + kOverhead).count() >> 20;
  if (hugepages) {
    arguments.emplace_back("--in-memory");
  } else {
    // Without --no-shconf, DPDK leaves its runtime files behind; --in-memory fails without hugepages.
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m", std::to_string(megabytes)});
  }
  if (options.pci_devices.empty() && !has_argument(options, "--no-pci") && !has_argument(options, "-a"))
    arguments.emplace_back("--no-pci");
  for (const std::string& device : options.pci_devices) arguments.insert(arguments.end(), {"-a", device});
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  return arguments;
}

/// For an argument that it does not know, DPDK prints a hundred lines of usage to standard output, which its
/// hook for the application's own usage only adds to. What is wrong it says on standard error.
class StandardOutputMuted {
 public:
  StandardOutputMuted() : saved_(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)) {
    std::fflush(stdout);
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (saved_ >= 0 && nowhere >= 0) dup2(nowhere, STDOUT_FILENO);
    if (nowhere >= 0) close(nowhere);
  }
  StandardOutputMuted(const StandardOutputMuted&) = delete;
  StandardOutputMuted& operator=(const StandardOutputMuted&) = delete;
  ~StandardOutputMuted() {
    std::fflush(stdout);
    if (saved_ < 0) return;
    dup2(saved_, STDOUT_FILENO);
    close(saved_);
  }

 private:
  int saved_;
};

int start_quietly(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  const StandardOutputMuted muted;
  return rte_eal_init(static_cast<int>(argv.size()), argv.data());
}

}  // namespace

struct Eal::State {
  State(DpdkLog::Sink sink, bool with_hugepages) : log(std::move(sink)), hugepages(with_hugepages) {}
  DpdkLog log;
  bool hugepages;
  bool running = false;
};

Result<Eal> Eal::start(const EalOptions& options) {
  if (started_before.exchange(true))
    return fail("DPDK: can be started only once in a process; restart bulkhead");
  const bool hugepages =
      !has_argument(options, "--no-huge") && free_hugepages() >= options.memory + kOverhead;
  // Without hugepages the kernel promises memory that it has not got, and kills someone once it is used.
  const Bytes available{meminfo("MemAvailable:") << 10};
  if (!hugepages && available < options.memory + kOverhead)
    return fail(
        fmt::format("packet memory: {} MiB and {} MiB for DPDK are more than the {} MiB that are free; lower "
                    "[appliance] memory",
                    options.memory.count() >> 20, kOverhead.count() >> 20, available.count() >> 20));
  auto state = std::make_unique<State>(options.log, hugepages);

  if (start_quietly(arguments_of(options, hugepages)) < 0)
    return fail(
        fmt::format("DPDK: did not start: {}{}; check [appliance] memory and eal, and the permission to "
                    "use them",
                    rte_strerror(rte_errno), DpdkLog::take_last_line()));
  state->running = true;
  Eal eal(std::move(state));
  if (auto reserved = reserve_packet_state(); !reserved) return std::unexpected(reserved.error());
  return eal;
}

bool Eal::hugepages() const { return state_->hugepages; }

Eal::Eal(std::unique_ptr<State> state) : state_(std::move(state)) {}
Eal::Eal(Eal&&) noexcept = default;
Eal::~Eal() {
  if (!state_ || !state_->running) return;
  const std::string runtime_directory = rte_eal_get_runtime_dir();
  rte_eal_cleanup();
  rmdir(runtime_directory.c_str());  // stays where another process uses it
}

}  // namespace bulkhead
