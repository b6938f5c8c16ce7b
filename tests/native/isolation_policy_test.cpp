// Which reports of layers a policy accepts: what is missing, and what a report cannot have, is refused.
#include "check.hpp"
#include "isolation/gpu_host.hpp"
#include "isolation/policy.hpp"
#include "isolation/seal.hpp"

namespace {

using namespace dcp::isolation;

Report whole(LayerSet declared) {
  Report report;
  for (std::size_t i = 0; i < kLayerNames.size(); ++i) {
    if (declared.has(static_cast<Layer>(i))) record(report, static_cast<Layer>(i), {});
  }
  return report;
}

Report without(Report report, Layer layer) {
  std::erase_if(report, [layer](const LayerState& state) { return state.layer == layer; });
  return report;
}

Report with_off(Report report, Layer layer) {
  report = without(std::move(report), layer);
  record(report, layer, "tried in vain");
  return report;
}

bool names(const std::string& refusal, std::string_view text) { return refusal.find(text) != std::string::npos; }

constexpr Layer kEssential[] = {Layer::descriptors, Layer::rlimits, Layer::capabilities, Layer::no_new_privs,
                                Layer::parent_death_signal};

void a_whole_report_suits_every_policy(LayerSet profile) {
  for (const Policy policy : {Policy::none, Policy::standard, Policy::strict}) {
    CHECK(refusal(policy, profile, whole(profile), true).empty());
  }
}

void each_essential_layer_is_wanted(LayerSet profile) {
  for (const Layer layer : kEssential) {
    const std::string name(layer_name(layer));
    for (const Policy policy : {Policy::standard, Policy::strict}) {
      CHECK(names(refusal(policy, profile, without(whole(profile), layer), false), name + " (it was not reported)"));
      CHECK(names(refusal(policy, profile, with_off(whole(profile), layer), false), name + " (tried in vain)"));
    }
    CHECK(refusal(Policy::none, profile, without(whole(profile), layer), false).empty());
  }
}

void strict_wants_every_declared_layer(LayerSet profile) {
  for (const LayerState& state : whole(profile)) {
    CHECK(!refusal(Policy::strict, profile, without(whole(profile), state.layer), false).empty());
    CHECK(!refusal(Policy::strict, profile, with_off(whole(profile), state.layer), false).empty());
  }
}

void a_report_that_cannot_be_is_refused(LayerSet profile) {
  Report twice = whole(profile), foreign = whole(profile), unknown = whole(profile);
  record(twice, Layer::rlimits, {});
  record(foreign, Layer::environment, {});
  record(unknown, static_cast<Layer>(200), {});
  for (const Policy policy : {Policy::standard, Policy::strict}) {
    CHECK(names(refusal(policy, profile, twice, false), "has one twice: rlimits"));
    CHECK(names(refusal(policy, profile, foreign, false), "cannot have: environment"));
    CHECK(names(refusal(policy, profile, unknown, false), "cannot have: not a layer"));
    CHECK(!refusal(policy, profile, {}, false).empty());
  }
}

/// One of several layers keeps files away, and one the network.
void one_of_several_will_do(LayerSet profile, Layer root) {
  const Report one = without(whole(profile), root), other = with_off(whole(profile), Layer::landlock);
  CHECK(refusal(Policy::standard, profile, one, false).empty());
  CHECK(refusal(Policy::standard, profile, other, false).empty());
  CHECK(names(refusal(Policy::standard, profile, without(other, root), false), "nothing keeps files away"));
  const Report filter = with_off(whole(profile), Layer::network_namespace);
  CHECK(refusal(Policy::standard, profile, filter, false).empty());
  CHECK(names(refusal(Policy::standard, profile, without(filter, Layer::seccomp), false), "the network away"));
}

void root_wants_namespaces(LayerSet profile) {
  for (const Layer layer : {Layer::unprivileged_user, Layer::network_namespace, Layer::mount_namespace}) {
    const Report report = without(whole(profile), layer);
    CHECK(refusal(Policy::standard, profile, report, false).empty());
    CHECK(names(refusal(Policy::standard, profile, report, true), "it runs as root"));
  }
}

void ahead_of_the_fork_only_what_is_known_counts(LayerSet profile) {
  CHECK(refusal_ahead(Policy::strict, profile, {}, true).empty());
  CHECK(names(refusal_ahead(Policy::standard, profile, with_off({}, Layer::rlimits), false), "rlimits"));
  CHECK(names(refusal_ahead(Policy::strict, profile, with_off({}, Layer::uts_namespace), false), "uts namespace"));
  CHECK(names(refusal_ahead(Policy::standard, profile, with_off({}, Layer::mount_namespace), true), "as root"));
  const Report no_network = with_off(with_off({}, Layer::network_namespace), Layer::seccomp);
  CHECK(names(refusal_ahead(Policy::standard, profile, no_network, false), "the network away"));
  CHECK(refusal_ahead(Policy::standard, profile, with_off({}, Layer::network_namespace), false).empty());
}

void names_and_layers_belong_together() {
  for (std::size_t i = 0; i < kLayerNames.size(); ++i) {
    CHECK(layer_named(kLayerNames[i]) == static_cast<Layer>(i));
  }
  CHECK(!layer_named("seccomp "));
}

}  // namespace

int main() {
  for (const LayerSet profile : {kSandboxLayers, kSandboxLayers.with({Layer::threads}), kGpuHostLayers}) {
    a_whole_report_suits_every_policy(profile);
    each_essential_layer_is_wanted(profile);
    strict_wants_every_declared_layer(profile);
    a_report_that_cannot_be_is_refused(profile);
    root_wants_namespaces(profile);
    ahead_of_the_fork_only_what_is_known_counts(profile);
  }
  one_of_several_will_do(kSandboxLayers, Layer::empty_root);
  one_of_several_will_do(kGpuHostLayers, Layer::own_root);
  CHECK(names(refusal(Policy::standard, kSandboxLayers, without(whole(kSandboxLayers), Layer::pid_namespace), true),
              "pid namespace"));
  names_and_layers_belong_together();
  return dcp::test::failures == 0 ? 0 : 1;
}
