#include "dawk/mta/queue_json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/mta/words.hpp"

namespace dawk::mta {

namespace json = boost::json;

json::string json_text(std::string_view text) {
    auto const safe = ascii::printable(text, 8192);
    return json::string(safe.data(), safe.size());
}

namespace {

// Members that say nothing are left out.
void put(json::object& object, char const* name, std::string_view text) {
    if (!text.empty()) object[name] = json_text(text);
}
void put(json::object& object, char const* name, WallTime at) {
    if (at != WallTime{}) object[name] = json_text(utc(at));
}

}  // namespace

json::object json_of(envelope::Outcome const& outcome) {
    static constexpr std::string_view kinds[] = {"delivered", "deferred", "failed"};
    json::object object;
    auto const kind = static_cast<std::size_t>(outcome.kind);
    put(object, "kind", kind < std::size(kinds) ? kinds[kind] : "unknown");
    if (outcome.code != 0) object["code"] = outcome.code;
    put(object, "status", outcome.status);
    put(object, "text", outcome.text);
    put(object, "remote_host", outcome.remote_host);
    put(object, "remote_address", outcome.remote_address);
    put(object, "stage", outcome.stage);
    put(object, "tls", outcome.tls);
    put(object, "at", outcome.at);
    if (outcome.took_ms != 0) object["took_ms"] = outcome.took_ms;
    return object;
}

json::object json_of(envelope::Origin const& origin) {
    json::object object;
    put(object, "listener", origin.listener);
    put(object, "client_address", origin.client_address);
    put(object, "client_name", origin.client_name);
    put(object, "helo", origin.helo);
    put(object, "protocol", origin.protocol);
    put(object, "tls", origin.tls);
    put(object, "identity", origin.identity);
    return object;
}

json::object json_of(envelope::Event const& event) {
    json::object object;
    put(object, "at", event.at);
    put(object, "event", envelope::to_string(event.kind));
    if (!event.id.is_null()) object["id"] = json_text(event.id.text());
    put(object, "sender", event.sender);
    put(object, "recipient", event.recipient);
    put(object, "destination", event.destination);
    if (!event.outcome.status.empty()) object["outcome"] = json_of(event.outcome);
    put(object, "next_attempt", event.next_attempt);
    if (event.attempt != 0) object["attempt"] = event.attempt;
    if (!event.related.is_null()) object["related"] = json_text(event.related.text());
    put(object, "note", event.note);
    if (!event.authentication.empty()) {
        json::error_code error;
        auto facts = json::parse(event.authentication, error);
        if (!error) object["authentication"] = std::move(facts);
    }
    return object;
}

json::object json_of(envelope::Recipient const& recipient) {
    json::object object;
    put(object, "address", recipient.address.text());
    if (recipient.original != recipient.address) put(object, "original", recipient.original.text());
    put(object, "state", to_string(recipient.state));
    put(object, "destination", recipient.destination);
    object["attempts"] = recipient.attempts;
    if (recipient.state == envelope::State::waiting)
        put(object, "next_attempt", recipient.next_attempt);
    if (recipient.delay_notified) object["delay_notified"] = true;
    if (recipient.quarantined) object["quarantined"] = true;
    if (!recipient.last.status.empty()) object["last"] = json_of(recipient.last);
    return object;
}

json::object json_of(envelope::Envelope const& envelope, WallTime now) {
    json::object object;
    object["id"] = json_text(envelope.id.text());
    object["sender"] = json_text(envelope.reverse_path.text());
    object["size"] = envelope.content_size;
    put(object, "arrived", envelope.arrived);
    object["age_seconds"] =
        std::chrono::duration_cast<std::chrono::seconds>(now - envelope.arrived).count();
    put(object, "expires", envelope.expires);
    put(object, "subject", envelope.header_subject);
    put(object, "from", envelope.header_from);
    put(object, "message_id", envelope.header_message_id);
    object["origin"] = json_of(envelope.origin);
    return object;
}

json::object json_of(DestinationView const& view, WallTime now) {
    json::object object;
    object["destination"] = json_text(view.key);
    object["has_route"] = view.has_route;
    object["connections"] = view.connected;
    object["carriers"] = view.carriers;
    object["connections_allowed"] = view.limit;
    object["ready"] = view.ready;
    object["in_flight"] = view.flying;
    if (view.next_on_disk) put(object, "next_due", *view.next_on_disk);
    if (view.failures > 0) {
        object["failures_in_a_row"] = view.failures;
        object["last_failure"] = json_of(view.last_failure);
    }
    if (view.backed_off_until) {
        put(object, "backed_off_until", *view.backed_off_until);
        object["backed_off_seconds"] =
            std::chrono::duration_cast<std::chrono::seconds>(*view.backed_off_until - now).count();
    }
    return object;
}

json::object json_of(QueueStats const& stats) {
    json::object object;
    object["messages_in_memory"] = stats.messages;
    object["ready"] = stats.ready;
    object["in_flight"] = stats.flying;
    object["unrecorded"] = stats.unrecorded;
    object["carriers"] = stats.carriers;
    object["destinations"] = stats.destinations;
    object["hot_content_bytes"] = stats.hot_content_bytes;
    object["commits"] = stats.commits;
    object["commit_failures"] = stats.commit_failures;
    return object;
}

rt::HttpResponse json_response(json::object const& object, unsigned status) {
    rt::HttpResponse response;
    response.status = status;
    response.body = json::serialize(object) + '\n';
    return response;
}

rt::HttpResponse problem(unsigned status, std::string title, std::string detail) {
    json::object object;
    object["type"] = "about:blank";
    object["title"] = json_text(title);
    object["status"] = status;
    object["detail"] = json_text(detail);
    auto response = json_response(object, status);
    response.content_type = "application/problem+json";
    return response;
}

}  // namespace dawk::mta
