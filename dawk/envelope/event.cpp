#include "dawk/envelope/event.hpp"

namespace dawk::envelope {

std::string_view to_string(Event::Kind kind) noexcept {
    using enum Event::Kind;
    switch (kind) {
        case received:
            return "received";
        case refused:
            return "refused";
        case delivered:
            return "delivered";
        case relayed:
            return "relayed";
        case deferred:
            return "deferred";
        case failed:
            return "failed";
        case expired:
            return "expired";
        case delay_notified:
            return "delay_notified";
        case dsn_made:
            return "dsn_made";
        case held:
            return "held";
        case released:
            return "released";
        case removed:
            return "removed";
        case retried:
            return "retried";
        case rerouted:
            return "rerouted";
        case auth_failed:
            return "auth_failed";
        case auth_ok:
            return "auth_ok";
        case session_error:
            return "session_error";
        case spool_trouble:
            return "spool_trouble";
    }
    return "unknown";
}

}  // namespace dawk::envelope
