// SPDX-License-Identifier: Apache-2.0
#include "control/certify_plan.hpp"

#include <algorithm>
#include <utility>

#include "control/entitlement.hpp"

namespace bulkhead {
namespace {

// Full frames where the rate is high: a generator's limit is frames, not bytes.
constexpr uint32_t kFrameBytes = 512;
constexpr uint32_t kLargeFrameBytes = 1514;
constexpr BitsPerSecond kHighRate = 1_Gbps;

CertifyTarget target_of(const Config& config, const SliceConfig& slice, const PortShare& share,
                        const std::vector<BitsPerSecond>& class_ceilings) {
  const PortConfig& port = config.ports[share.port.value()];
  const BitsPerSecond speed = port.speed.value_or(BitsPerSecond{});
  BitsPerSecond ceiling = std::min(share.ceiling.value_or(speed), speed);
  Bytes burst = share.burst.value_or(default_burst(ceiling));
  if (!class_ceilings.empty() &&
      std::ranges::find(class_ceilings, BitsPerSecond{0}) == class_ceilings.end()) {
    BitsPerSecond classes;
    Bytes bursts;
    for (const BitsPerSecond each : class_ceilings) {
      classes += each;
      bursts += default_burst(each);
    }
    if (classes < ceiling) burst = bursts;
    ceiling = std::min(ceiling, classes);
  }
  // The port's own pace lets two largest frames catch up, whatever the slice's burst.
  return {.slice = slice.name,
          .port = port.name,
          .speed = speed,
          .guarantee = std::min(share.guarantee, ceiling),
          .ceiling = ceiling,
          .weight = share.weight,
          .burst = std::max(burst, kLargestFrameOnWire * 2),
          .frame = {},
          .flows = static_cast<uint32_t>(class_ceilings.size()),
          .pcps = {}};
}

/// What is promised to the classes that the file names; eight strict ones that it does not name are the order
/// of service and no promise.
void add_class_tests(const SliceConfig& slice, CertifySubject& subject) {
  using Kind = CertifyStep::Kind;
  subject.classes = classes_of(slice);
  if (slice.classes.empty()) return;
  std::vector<bool> has_stream(subject.classes.size());
  for (std::size_t stream = 0; stream < subject.streams.size(); ++stream) {
    const std::size_t number = subject.streams[stream].class_number;
    const ClassConfig& served = subject.classes[number];
    has_stream[number] = true;
    if (served.strict) subject.class_tests.push_back({Kind::class_strict, stream});
    if (served.guarantee.value_or(BitsPerSecond{}) > BitsPerSecond{})
      subject.class_tests.push_back({Kind::class_guarantee, stream});
    if (served.ceiling) subject.class_tests.push_back({Kind::class_ceiling, stream});
  }
  for (std::size_t number = 0; number < subject.classes.size() && !subject.streams.empty(); ++number)
    if (const ClassConfig& served = subject.classes[number];
        !has_stream[number] && (served.strict || served.guarantee || served.ceiling))
      subject.untested.push_back(served.pcps);
}

CertifySubject subject_of(const Config& config, SliceId id, const PortShare& share) {
  const SliceConfig& slice = config.slices[id.value()];
  CertifySubject subject;
  subject.port = share.port;
  const BitsPerSecond rate = share.ceiling.value_or(BitsPerSecond{});
  subject.streams = make_streams(config, id, share.port, rate > kHighRate ? kLargeFrameBytes : kFrameBytes);
  subject.target = target_of(config, slice, share, subject.class_ceilings());
  add_class_tests(slice, subject);
  for (const TestStream& stream : subject.streams)
    subject.target.frame = std::max(subject.target.frame, stream.wire);
  if (slice.ports().size() < 2)
    subject.why_not = "nothing to certify: the slice has one port, and sends to no other";
  else if (subject.streams.empty())
    subject.why_not = "nothing to certify: what comes in for the slice at its other ports may not leave here";
  return subject;
}

}  // namespace

std::vector<BitsPerSecond> CertifySubject::class_ceilings() const {
  std::vector<BitsPerSecond> out;
  for (const TestStream& stream : streams) out.push_back(stream.class_ceiling);
  return out;
}

std::vector<CertifySubject> certify_subjects(const Config& config, const std::optional<std::string>& slice) {
  std::vector<CertifySubject> out;
  for (std::size_t number = 0; number < config.slices.size(); ++number)
    for (const PortShare& share : port_shares(config, config.slices[number], {})) {
      out.push_back(subject_of(config, SliceId{static_cast<uint16_t>(number)}, share));
      out.back().is_judged = !slice || config.slices[number].name == *slice;
    }
  return out;
}

}  // namespace bulkhead
