#include "cmd/dawk/queue_text.hpp"

#include "dawk/mta/words.hpp"

namespace dawk::cmd {
namespace {

namespace json = boost::json;

std::string text_of(json::object const& object, char const* name) {
    auto const* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::int64_t number_of(json::object const& object, char const* name) {
    auto const* const value = object.if_contains(name);
    if (value == nullptr || !value->is_number()) return 0;
    return value->to_number<std::int64_t>();
}

bool flag_of(json::object const& object, char const* name) {
    auto const* const value = object.if_contains(name);
    return value != nullptr && value->is_bool() && value->as_bool();
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

std::string outcome_text(json::object const& outcome) {
    std::string text = text_of(outcome, "remote_host");
    auto const stage = text_of(outcome, "stage");
    if (!stage.empty()) text += (text.empty() ? "at " : " at ") + stage;
    if (!text.empty()) text += ": ";
    if (auto const code = number_of(outcome, "code"); code != 0) text += std::to_string(code) + ' ';
    return text + text_of(outcome, "status") + ' ' + text_of(outcome, "text");
}

std::string recipient_text(json::object const& recipient, bool with_details) {
    auto state = text_of(recipient, "state");
    if (flag_of(recipient, "in_flight")) state = "delivering";
    std::string out = "    " + padded(state, 10) + ' ' + text_of(recipient, "address");
    auto const original = text_of(recipient, "original");
    if (!original.empty()) out += " (for " + original + ')';
    auto const next = text_of(recipient, "next_attempt");
    if (state == "waiting" && !next.empty()) out += ", next attempt " + next;
    out += '\n';
    if (with_details)
        out += "               by " + text_of(recipient, "destination") + ", attempts so far " +
               std::to_string(number_of(recipient, "attempts")) + '\n';
    auto const* const last = recipient.if_contains("last");
    if (last != nullptr && last->is_object())
        out += "               " + outcome_text(last->as_object()) + '\n';
    return out;
}

}  // namespace

std::string message_text(json::object const& message, bool with_details) {
    auto const age = std::chrono::seconds(number_of(message, "age_seconds"));
    auto const sender = text_of(message, "sender");
    std::string out = text_of(message, "id") + "  " + padded(mta::say_duration(age), 12) +
                      padded(std::to_string(number_of(message, "size")), 9) + " <" + sender + ">\n";
    if (with_details) {
        for (auto const* name : {"arrived", "expires", "from", "subject", "message_id"}) {
            auto const text = text_of(message, name);
            if (!text.empty()) out += "    " + padded(std::string(name) + ':', 12) + text + '\n';
        }
    }
    auto const* const recipients = message.if_contains("recipients");
    if (recipients == nullptr || !recipients->is_array()) return out;
    for (auto const& recipient : recipients->as_array()) {
        if (!recipient.is_object()) continue;
        // In a list, only those that are still to be served.
        auto const state = text_of(recipient.as_object(), "state");
        if (with_details || state == "waiting" || state == "held")
            out += recipient_text(recipient.as_object(), with_details);
    }
    return out;
}

std::string destination_text(json::object const& destination) {
    std::string out = padded(text_of(destination, "destination"), 40) + " earliest " +
                      text_of(destination, "earliest") + ", connections " +
                      std::to_string(number_of(destination, "connections")) + " of " +
                      std::to_string(number_of(destination, "connections_allowed")) +
                      ", in flight " + std::to_string(number_of(destination, "in_flight")) + '\n';
    auto const until = text_of(destination, "backed_off_until");
    auto const* const failure = destination.if_contains("last_failure");
    if (!until.empty()) out += "    backed off until " + until;
    if (failure != nullptr && failure->is_object()) {
        out += until.empty() ? "    " : "; ";
        out += "failed " + std::to_string(number_of(destination, "failures_in_a_row")) +
               " times in a row, " + outcome_text(failure->as_object());
    }
    if (!until.empty() || failure != nullptr) out += '\n';
    if (!flag_of(destination, "has_route"))
        out += "    not in the configuration any more; will be routed anew\n";
    return out;
}

std::string done_text(json::object const& done, std::string const& verb) {
    if (flag_of(done, "finished")) return "The message is finished; there was nothing to do.\n";
    auto const recipients = number_of(done, "recipients");
    auto const messages = number_of(done, "messages");
    auto const in_flight = number_of(done, "in_flight");
    std::string out = verb + ' ' + std::to_string(recipients) +
                      (recipients == 1 ? " recipient of " : " recipients of ") +
                      std::to_string(messages) + (messages == 1 ? " message" : " messages");
    if (in_flight > 0)
        out += "; left " + std::to_string(in_flight) + " alone that are being delivered now";
    return out + ".\n";
}

}  // namespace dawk::cmd
