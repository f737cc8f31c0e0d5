#include "dawk/observe/observer.hpp"

#include "dawk/observe/json_line.hpp"

namespace dawk::observe {

void Observer::on_event(envelope::Event const& event) {
    metrics_.count(event);
    std::string line;
    line.reserve(512);
    append_json(line, event);
    log_.append(line);
}

}  // namespace dawk::observe
