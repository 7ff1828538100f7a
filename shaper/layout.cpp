// SPDX-License-Identifier: Apache-2.0
#include "shaper/layout.hpp"

#include <algorithm>
#include <utility>

namespace bulkhead {
namespace {

const SliceRuntime::Attachment* attachment_at(const SliceRuntime& slice, PortId port) {
  const auto& all = slice.attachments();
  const auto found = std::ranges::find(all, port, &SliceRuntime::Attachment::port);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Layout::Layout(uint64_t generation, SliceTable table, std::vector<std::shared_ptr<PortRuntime>> ports,
               std::vector<std::shared_ptr<SliceRuntime>> slices)
    : generation_(generation),
      table_(std::move(table)),
      slices_(std::move(slices)),
      ready_(std::make_unique<ReadySet>(slices_.size())) {
  ports_.reserve(ports.size());
  for (std::shared_ptr<PortRuntime>& runtime : ports) {
    const PortId port{static_cast<uint16_t>(ports_.size())};
    PortPlace place{.runtime = std::move(runtime),
                    .demultiplexer = nullptr,
                    .outputs = {},
                    .ready = std::make_unique<ReadySet>(slices_.size())};
    std::vector<SliceInput*> inputs;
    for (const std::shared_ptr<SliceRuntime>& slice : slices_) {
      const auto* attachment = attachment_at(*slice, port);
      inputs.push_back(attachment != nullptr ? attachment->input.get() : nullptr);
      place.outputs.push_back(attachment != nullptr ? attachment->output.get() : nullptr);
    }
    place.demultiplexer =
        std::make_unique<Demultiplexer>(port, table_, std::move(inputs), *ready_, place.runtime->unclaimed);
    port_runtimes_.push_back(place.runtime.get());
    ports_.push_back(std::move(place));
  }
  mark_all();
}

void Layout::mark_all() const {
  for (std::size_t slice = 0; slice < slices_.size(); ++slice) {
    ready_->mark(slice);
    for (const PortPlace& place : ports_)
      if (place.outputs[slice] != nullptr) place.ready->mark(slice);
  }
}

bool Layout::is_drained() const {
  return std::ranges::none_of(
      slices_, [](const std::shared_ptr<SliceRuntime>& slice) { return slice->holds_packets(); });
}

}  // namespace bulkhead
