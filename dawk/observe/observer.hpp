// Observer: the EventSink of the server: one log line and the counters for every event.
#pragma once

#include "dawk/envelope/event.hpp"
#include "dawk/observe/log.hpp"
#include "dawk/observe/metrics.hpp"

namespace dawk::observe {

class Observer final : public envelope::EventSink {
  public:
    Observer(Log& log, Metrics& metrics) : log_(log), metrics_(metrics) {}
    void on_event(envelope::Event const& event) override;

  private:
    Log& log_;
    Metrics& metrics_;
};

}  // namespace dawk::observe
