// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "classifier/demultiplexer.hpp"
#include "classifier/ready_set.hpp"
#include "classifier/slice_table.hpp"
#include "shaper/port_runtime.hpp"
#include "shaper/slice_runtime.hpp"

namespace bulkhead {

/// Everything that workers visit under one configuration, and how it hangs together. The structure never
/// changes: a new configuration is a new Layout, which shares the ports and slices that stayed as they were.
class Layout {
 public:
  struct PortPlace {
    std::shared_ptr<PortRuntime> runtime;
    std::unique_ptr<Demultiplexer> demultiplexer;  // used under the port's receive claim
    std::vector<SliceOutput*> outputs;             // by SliceId, null where the slice is not at this port
    std::unique_ptr<ReadySet> ready;               // slices with packets to send here
  };

  /// `ports` by PortId, `slices` by SliceId. Every queue is marked ready, so that what a slice brings along
  /// from an earlier layout is visited.
  Layout(uint64_t generation, SliceTable table, std::vector<std::shared_ptr<PortRuntime>> ports,
         std::vector<std::shared_ptr<SliceRuntime>> slices);
  Layout(const Layout&) = delete;
  Layout& operator=(const Layout&) = delete;

  [[nodiscard]] uint64_t generation() const { return generation_; }
  [[nodiscard]] const std::vector<PortPlace>& ports() const { return ports_; }
  [[nodiscard]] const std::vector<std::shared_ptr<SliceRuntime>>& slices() const { return slices_; }
  /// By PortId.
  [[nodiscard]] std::span<PortRuntime* const> port_runtimes() const { return port_runtimes_; }
  /// Slices with packets to forward.
  [[nodiscard]] ReadySet& ready() const { return *ready_; }

  /// Marks every queue ready: visits find out what is really there. Any thread.
  void mark_all() const;

  /// Whether no packet is queued anywhere. Any thread.
  [[nodiscard]] bool is_drained() const;

 private:
  uint64_t generation_;
  SliceTable table_;
  std::vector<std::shared_ptr<SliceRuntime>> slices_;
  std::unique_ptr<ReadySet> ready_;
  std::vector<PortPlace> ports_;
  std::vector<PortRuntime*> port_runtimes_;  // of ports_
};

}  // namespace bulkhead
