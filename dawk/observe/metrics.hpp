// Metrics: counters and gauges in Prometheus' text form.
//
// Counters follow the events; gauges are asked for when somebody looks (add_gauge). All threads.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "dawk/envelope/event.hpp"

namespace dawk::observe {

class Metrics {
  public:
    Metrics();
    ~Metrics();
    void count(envelope::Event const& event);
    // help: one sentence. value is called by render(), on its thread.
    void add_gauge(std::string name, std::string help, std::function<double()> value);
    std::string render();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace dawk::observe
