#include "engine/v8/random_numbers.hpp"

#include <sys/random.h>

#include <stdexcept>
#include <utility>

namespace dcp::engine::v8engine {

namespace {

constexpr const char* kName = "dcp/random";

// Functions of an extension show no source, as V8's own do not. Both arrays are out of anybody's reach.
constexpr const char* kSource = R"js((() => {
  native function fill(numbers, left);
  const numbers = new Float64Array(128), left = new Int32Array(new ArrayBuffer(4));
  Math.random = {
    random() {
      if (left[0] === 0) fill(numbers, left);
      return numbers[--left[0]];
    },
  }.random;
})();)js";

RandomNumbers& (*numbers_of)(v8::Isolate* isolate) = nullptr;

}  // namespace

class RandomNumbers::Extension final : public v8::Extension {
 public:
  Extension() : v8::Extension(kName, kSource) {}
  v8::Local<v8::FunctionTemplate> GetNativeFunctionTemplate(v8::Isolate* isolate, v8::Local<v8::String>) override {
    return v8::FunctionTemplate::New(isolate, refill);
  }

 private:
  static void refill(const v8::FunctionCallbackInfo<v8::Value>& info) {
    RandomNumbers& random = numbers_of(info.GetIsolate());
    const auto store = info[0].As<v8::Float64Array>();
    const std::span<double> numbers(static_cast<double*>(store->Buffer()->Data()), store->Length());
    random.fill(numbers);
    if (!random.left_) random.left_ = info[1].As<v8::Int32Array>()->Buffer()->GetBackingStore();
    *static_cast<std::int32_t*>(random.left_->Data()) = static_cast<std::int32_t>(numbers.size());
  }
};

void RandomNumbers::seed() {
  if (getrandom(state_, sizeof state_, 0) != sizeof state_) {
    throw std::runtime_error("getrandom failed: the kernel gives no random numbers");
  }
  if (left_) *static_cast<std::int32_t*>(left_->Data()) = 0;
}

std::uint64_t RandomNumbers::next() {
  std::uint64_t a = state_[0];
  const std::uint64_t b = state_[1];
  state_[0] = b;
  a ^= a << 23;
  a ^= a >> 17;
  a ^= b;
  a ^= b >> 26;
  state_[1] = a;
  return state_[0] + state_[1];
}

void RandomNumbers::fill(std::span<double> numbers) {
  for (double& number : numbers) number = static_cast<double>(next() >> 11) * 0x1p-53;
}

v8::ExtensionConfiguration* RandomNumbers::extension(RandomNumbers& (*of)(v8::Isolate* isolate)) {
  static const char* names[] = {kName};
  static v8::ExtensionConfiguration configuration(1, names);
  if (std::exchange(numbers_of, of) == nullptr) v8::RegisterExtension(std::make_unique<Extension>());
  return &configuration;
}

}  // namespace dcp::engine::v8engine
