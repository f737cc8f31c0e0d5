#include "dawk/observe/metrics.hpp"

#include <array>
#include <mutex>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace dawk::observe {
namespace {

using Kind = envelope::Event::Kind;
constexpr auto kinds = static_cast<std::size_t>(Kind::spool_trouble) + 1;
constexpr std::array<std::string_view, 5> routes = {"maildir", "smtp", "mx", "lmtp", "other"};

std::size_t route_of(std::string_view destination) {
    auto const kind = destination.substr(0, destination.find(':'));
    for (std::size_t i = 0; i + 1 < routes.size(); ++i) {
        if (routes[i] == kind) return i;
    }
    return routes.size() - 1;
}

}  // namespace

struct Metrics::Impl {
    prometheus::Registry registry;
    // Looked up once: counting is an addition.
    std::array<std::array<prometheus::Counter*, routes.size()>, kinds> events{};
    std::array<prometheus::Counter*, 6> refused{};  // by first digit of the reply
    prometheus::Counter* octets = nullptr;
    prometheus::Histogram* attempt_seconds = nullptr;
    struct Gauge {
        prometheus::Gauge* gauge;
        std::function<double()> value;
    };
    std::mutex mutex;
    std::vector<Gauge> gauges;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {
    auto& events = prometheus::BuildCounter()
                       .Name("dawk_events_total")
                       .Help("Changes of state, by kind of event and of destination.")
                       .Register(impl_->registry);
    for (std::size_t kind = 0; kind < kinds; ++kind) {
        for (std::size_t route = 0; route < routes.size(); ++route) {
            impl_->events[kind][route] =
                &events.Add({{"event", std::string(envelope::to_string(static_cast<Kind>(kind)))},
                             {"route", std::string(routes[route])}});
        }
    }
    auto& refused = prometheus::BuildCounter()
                        .Name("dawk_refused_total")
                        .Help("Commands and contents refused, by class of the reply.")
                        .Register(impl_->registry);
    for (std::size_t i = 4; i < impl_->refused.size(); ++i) {
        impl_->refused[i] = &refused.Add({{"class", std::to_string(i) + "yz"}});
    }
    impl_->octets = &prometheus::BuildCounter()
                         .Name("dawk_received_bytes_total")
                         .Help("Octets of content accepted.")
                         .Register(impl_->registry)
                         .Add({});
    impl_->attempt_seconds =
        &prometheus::BuildHistogram()
             .Name("dawk_attempt_seconds")
             .Help("Time of one delivery attempt.")
             .Register(impl_->registry)
             .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.01, 0.1, 1, 10, 60, 600});
}

Metrics::~Metrics() = default;

void Metrics::count(envelope::Event const& event) {
    impl_->events[static_cast<std::size_t>(event.kind)][route_of(event.destination)]->Increment();
    if (event.kind == Kind::received)
        impl_->octets->Increment(static_cast<double>(event.size_bytes));
    if (event.kind == Kind::refused) {
        auto const digit = event.outcome.code / 100U;
        if (digit == 4 || digit == 5) impl_->refused[digit]->Increment();
    }
    bool const attempt = event.kind == Kind::delivered || event.kind == Kind::relayed ||
                         event.kind == Kind::deferred;
    if (attempt) impl_->attempt_seconds->Observe(event.outcome.took_ms / 1000.0);
}

void Metrics::add_gauge(std::string name, std::string help, std::function<double()> value) {
    auto& gauge = prometheus::BuildGauge()
                      .Name(std::move(name))
                      .Help(std::move(help))
                      .Register(impl_->registry)
                      .Add({});
    std::lock_guard const lock(impl_->mutex);
    impl_->gauges.push_back({&gauge, std::move(value)});
}

std::string Metrics::render() {
    {
        std::lock_guard const lock(impl_->mutex);
        for (auto const& gauge : impl_->gauges) gauge.gauge->Set(gauge.value());
    }
    return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace dawk::observe
