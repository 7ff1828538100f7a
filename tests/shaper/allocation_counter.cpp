// SPDX-License-Identifier: Apache-2.0
// Replaces the program's operator new and delete. The standard's other forms call these two pairs
// ([new.delete.single], [new.delete.array]).
#include "tests/shaper/allocation_counter.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<uint64_t> made{0};

void* counted(void* memory) {
  if (memory == nullptr) std::abort();
  made.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

}  // namespace

uint64_t bulkhead::test::allocations() { return made.load(std::memory_order_relaxed); }

void* operator new(std::size_t size) { return counted(std::malloc(size == 0 ? 1 : size)); }
// With sanitizers this form is theirs unless replaced, and what it gives is not for the delete below.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(align, (size + align - 1) / align * align));
}
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
