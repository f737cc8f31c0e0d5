#include "dawk/mta/queue_admin.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/mta/explain.hpp"
#include "dawk/mta/queue_core.hpp"
#include "dawk/mta/queue_filter.hpp"
#include "dawk/mta/queue_json.hpp"
#include "dawk/mta/words.hpp"

namespace dawk::mta {
namespace {

namespace json = boost::json;
using envelope::Event;
using envelope::State;
using rt::HttpResponse;

constexpr std::size_t page_max = 256;
constexpr std::size_t looked_at_max = 20'000;  // messages a request, then "next"
constexpr std::size_t list_max = 1000;
constexpr std::size_t list_default = 100;
constexpr std::size_t note_max = 500;
constexpr std::uint64_t content_max = 32U << 20U;

enum class Verb { retry, hold, release, remove };

std::optional<Verb> verb_of(std::string_view text) {
    if (text == "retry") return Verb::retry;
    if (text == "hold") return Verb::hold;
    if (text == "release") return Verb::release;
    if (text == "remove") return Verb::remove;
    return std::nullopt;
}

Event::Kind event_of(Verb verb) {
    switch (verb) {
        case Verb::retry:
            return Event::Kind::retried;
        case Verb::hold:
            return Event::Kind::held;
        case Verb::release:
            return Event::Kind::released;
        case Verb::remove:
            return Event::Kind::removed;
    }
    return Event::Kind::retried;
}

bool applies(Verb verb, State state) {
    if (verb == Verb::release) return state == State::held;
    if (verb == Verb::remove) return state == State::held || state == State::waiting;
    return state == State::waiting;
}

struct Done {
    std::uint64_t messages = 0, recipients = 0, in_flight = 0;
};

// One pinned message; returns true when something changed.
bool act(QueueCore& core, Live& live, Verb verb, QueueFilter const& filter, std::string const& note,
         Done& done) {
    auto const now = core.env().clock.wall();
    bool changed = false;
    for (std::uint32_t i = 0; i < live.truth().recipients.size(); ++i) {
        auto const& recipient = live.truth().recipients[i];
        if (!applies(verb, recipient.state) || !filter.matches(recipient)) continue;
        if (core.is_flying(live, i)) {
            ++done.in_flight;
            continue;
        }
        auto& mine = live.change().recipients[i];
        if (verb == Verb::hold) mine.state = State::held;
        if (verb == Verb::remove) mine.state = State::removed;
        if (verb == Verb::retry || verb == Verb::release) {
            mine.state = State::waiting;
            mine.next_attempt = now;
        }
        auto event = core.event_of(event_of(verb), live, &mine);
        event.note = note;
        core.add_event(std::move(event));
        if (verb == Verb::retry) core.forgive(mine.destination);
        ++done.recipients;
        changed = true;
    }
    if (changed) ++done.messages;
    return changed;
}

Task<Result<void>> act_on(QueueCore& core, MessageId id, Verb verb, QueueFilter const& filter,
                          std::string const& note, Done& done) {
    auto const pinned = co_await core.pin(id);
    if (!pinned) co_return pinned.error();
    auto& live = **pinned;
    if (filter.matches(live.truth(), core.env().clock.wall())) {
        bool const changed = act(core, live, verb, filter, note, done);
        if (changed) core.rearrange(live);
    }
    core.unpin(live);
    co_return Result<void>();
}

json::object done_json(Done const& done) {
    json::object object;
    object["messages"] = done.messages;
    object["recipients"] = done.recipients;
    object["in_flight"] = done.in_flight;
    return object;
}

json::object message_json(QueueCore& core, envelope::Envelope const& envelope) {
    auto object = json_of(envelope, core.env().clock.wall());
    json::array recipients;
    auto const* live = core.find_live(envelope.id);
    for (std::uint32_t i = 0; i < envelope.recipients.size(); ++i) {
        auto one = json_of(envelope.recipients[i]);
        if (live != nullptr && envelope.recipients[i].state == State::waiting &&
            core.is_flying(*live, i))
            one["in_flight"] = true;
        recipients.push_back(std::move(one));
    }
    object["recipients"] = std::move(recipients);
    return object;
}

// What memory knows is newer than what the disk knows; nothing for a message that is finished.
envelope::Envelope const* newest(QueueCore& core, spool::EnvelopePtr const& stored) {
    auto const* live = core.find_live(stored->id);
    if (live == nullptr) return stored.get();
    if (live->finished || live->gone) return nullptr;
    return &live->truth();
}

bool is_listed(QueueFilter const& filter, envelope::Envelope const& envelope, WallTime now) {
    // What is finished with has left the queue, though others of its message have not.
    auto const is_meant = [&](envelope::Recipient const& one) {
        return !is_final(one.state) && filter.matches(one);
    };
    return filter.matches(envelope, now) &&
           std::any_of(envelope.recipients.begin(), envelope.recipients.end(), is_meant);
}

struct Paging {
    MessageId after;
    std::size_t limit = list_default;
};

std::string parse_paging(std::map<std::string, std::string>& query, Paging& paging) {
    if (auto const after = query.find("after"); after != query.end()) {
        auto const id = MessageId::from_text(after->second);
        if (!id) return "after must be a message id";
        paging.after = *id;
        query.erase(after);
    }
    if (auto const limit = query.find("limit"); limit != query.end()) {
        auto const number = ascii::to_number<std::size_t>(limit->second);
        if (!number || *number == 0) return "limit must be a number above 0";
        paging.limit = std::min(*number, list_max);
        query.erase(limit);
    }
    return {};
}

HttpResponse bad_request(std::string detail) {
    return problem(400, "Bad request", std::move(detail));
}
HttpResponse unavailable(ErrorCode error) {
    return problem(503, "The spool does not answer", error.message());
}
HttpResponse no_such_message(ErrorCode error) {
    if (error == Errc::not_found)
        return problem(404, "No such message", "It is not in the queue; explain may know of it.");
    return unavailable(error);
}
std::string unknown_parameter(std::map<std::string, std::string> const& query) {
    return query.empty() ? "" : "unknown parameter: " + ascii::printable(query.begin()->first, 60);
}

Task<HttpResponse> list(QueueCore& core, std::map<std::string, std::string> query) {
    std::string trouble;
    Paging paging;
    auto const filter = parse_filter(query, trouble);
    if (trouble.empty()) trouble = parse_paging(query, paging);
    if (trouble.empty()) trouble = unknown_parameter(query);
    if (!trouble.empty()) co_return bad_request(trouble);
    json::array messages;
    std::size_t looked_at = 0;
    bool more = true;
    auto after = paging.after;
    while (more && messages.size() < paging.limit && looked_at < looked_at_max) {
        auto const page = co_await core.spool().list(after, page_max);
        if (!page) co_return unavailable(page.error());
        more = page->size() == page_max;
        for (auto const& stored : *page) {
            if (filter.is_past(stored->id, core.env().clock.wall())) {
                more = false;
                break;
            }
            if (messages.size() == paging.limit) {
                more = true;
                break;
            }
            after = stored->id;
            ++looked_at;
            auto const* const envelope = newest(core, stored);
            if (envelope != nullptr && is_listed(filter, *envelope, core.env().clock.wall()))
                messages.push_back(message_json(core, *envelope));
        }
    }
    json::object object;
    object["messages"] = std::move(messages);
    object["next"] = nullptr;
    if (more) object["next"] = json_text(after.text());
    co_return json_response(object);
}

Task<HttpResponse> show(QueueCore& core, std::string text) {
    auto const id = MessageId::from_text(text);
    if (!id) co_return bad_request("this is not a message id");
    if (auto const* const live = core.find_live(*id); live != nullptr && !live->finished)
        co_return json_response(message_json(core, live->truth()));
    auto const loaded = co_await core.spool().load(*id);
    if (!loaded) co_return no_such_message(loaded.error());
    co_return json_response(message_json(core, **loaded));
}

// The message as it would go on: our trace fields, then the content.
Task<HttpResponse> content(QueueCore& core, std::string text) {
    auto const id = MessageId::from_text(text);
    if (!id) co_return bad_request("this is not a message id");
    auto const loaded = co_await core.spool().load(*id);
    if (!loaded) co_return no_such_message(loaded.error());
    auto const opened = co_await core.spool().open_content(*loaded);
    if (!opened) co_return no_such_message(opened.error());
    if ((*opened)->size() > content_max)
        co_return problem(413, "Too large", "only contents up to 32 MiB are shown");
    HttpResponse response;
    response.content_type = "message/rfc822";
    response.body = (*loaded)->trace;
    auto const reader = (*opened)->reader();
    while (true) {
        auto const piece = co_await reader->next();
        if (!piece) co_return unavailable(piece.error());
        if (piece->empty()) break;
        response.body += *piece;
    }
    co_return response;
}

Task<HttpResponse> destinations(QueueCore& core, std::map<std::string, std::string> query) {
    std::string after;
    if (auto const found = query.find("after"); found != query.end()) {
        after = found->second;
        query.erase(found);
    }
    Paging paging;
    auto trouble = parse_paging(query, paging);
    if (trouble.empty()) trouble = unknown_parameter(query);
    if (!trouble.empty()) co_return bad_request(trouble);
    auto const heads = co_await core.spool().destinations(after, paging.limit);
    if (!heads) co_return unavailable(heads.error());
    json::array array;
    for (auto const& head : *heads) {
        auto view = core.view(head.destination).value_or(DestinationView{});
        view.key = head.destination;
        auto one = json_of(view, core.env().clock.wall());
        one["earliest"] = json_text(utc(head.earliest));
        array.push_back(std::move(one));
    }
    json::object object;
    object["next"] = nullptr;
    if (heads->size() == paging.limit) object["next"] = json_text(heads->back().destination);
    object["destinations"] = std::move(array);
    co_return json_response(object);
}

std::string take_note(std::map<std::string, std::string>& query) {
    auto const found = query.find("note");
    if (found == query.end()) return {};
    auto note = ascii::printable(found->second, note_max);
    query.erase(found);
    return note;
}

Task<HttpResponse> act_one(QueueCore& core, std::string text, Verb verb,
                           std::map<std::string, std::string> query) {
    auto const id = MessageId::from_text(text);
    if (!id) co_return bad_request("this is not a message id");
    auto const note = take_note(query);
    std::string trouble;
    auto const filter = parse_filter(query, trouble);  // of its recipients
    if (trouble.empty()) trouble = unknown_parameter(query);
    if (!trouble.empty()) co_return bad_request(trouble);
    Done done;
    auto const acted = co_await act_on(core, *id, verb, filter, note, done);
    if (!acted) {
        // What is finished needs nothing any more; that is no mistake of who asks.
        auto const history = co_await core.spool().history(*id);
        bool const is_finished =
            acted.error() == Errc::not_found && history.has_value() && !history->empty();
        if (!is_finished) co_return no_such_message(acted.error());
        auto object = done_json(done);
        object["finished"] = true;
        co_return json_response(object);
    }
    co_await core.flushed();
    co_return json_response(done_json(done));
}

Task<HttpResponse> act_all(QueueCore& core, Verb verb, std::map<std::string, std::string> query) {
    auto const note = take_note(query);
    std::string trouble;
    auto const filter = parse_filter(query, trouble);
    bool const all = query.erase("all") > 0;
    Paging paging;
    if (trouble.empty()) trouble = parse_paging(query, paging);
    if (trouble.empty()) trouble = unknown_parameter(query);
    if (trouble.empty() && filter.is_empty() && !all)
        trouble = "name a filter, or all=true for the whole queue";
    if (!trouble.empty()) co_return bad_request(trouble);
    Done done;
    std::size_t looked_at = 0;
    bool more = true;
    auto after = paging.after;
    while (more && looked_at < looked_at_max) {
        auto const page = co_await core.spool().list(after, page_max);
        if (!page) co_return unavailable(page.error());
        more = page->size() == page_max;
        for (auto const& stored : *page) {
            if (filter.is_past(stored->id, core.env().clock.wall())) {
                more = false;
                break;
            }
            after = stored->id;
            ++looked_at;
            auto const* const envelope = newest(core, stored);
            if (envelope == nullptr || !is_listed(filter, *envelope, core.env().clock.wall()))
                continue;
            // A message that ended meanwhile needs nothing any more.
            auto const acted = co_await act_on(core, stored->id, verb, filter, note, done);
            if (!acted && acted.error() != Errc::not_found) co_return unavailable(acted.error());
        }
        co_await core.flushed();  // a page at a time, so that memory stays bounded
    }
    auto object = done_json(done);
    object["next"] = nullptr;
    if (more) object["next"] = json_text(after.text());
    co_return json_response(object);
}

Task<HttpResponse> handle_post(QueueCore& core, Target target) {
    auto const verb = verb_of(target.path.back());
    if (!verb)
        co_return problem(404, "No such action", "retry, hold, release and remove are known");
    if (target.path.size() == 3) {
        co_return co_await act_all(core, *verb, std::move(target.query));
    }
    co_return co_await act_one(core, std::move(target.path[2]), *verb, std::move(target.query));
}

Task<HttpResponse> handle_get(QueueCore& core, Target target) {
    if (target.path[1] == "explain") {
        if (target.path.size() != 3)
            co_return bad_request("explain what? a message id or an address");
        co_return co_await explain(core, std::move(target.path[2]));
    }
    if (target.path.size() == 2) {
        co_return co_await list(core, std::move(target.query));
    }
    if (target.path.size() == 4) {
        if (target.path[3] != "content") co_return problem(404, "Not found", "there is /content");
        co_return co_await content(core, std::move(target.path[2]));
    }
    if (target.path[2] == "stats") {
        auto const stats = json_of(core.stats());
        co_return json_response(stats);
    }
    if (target.path[2] == "destinations") {
        co_return co_await destinations(core, std::move(target.query));
    }
    co_return co_await show(core, std::move(target.path[2]));
}

Task<HttpResponse> handle_here(QueueCore& core, rt::HttpRequest request) {
    auto target = parse_target(request.target);
    if (!target) co_return bad_request("the target of the request is not understood");
    auto const& path = target->path;
    bool const is_post = request.method == "POST";
    if (path.size() < 2 || path[0] != "v1" || (path[1] != "queue" && path[1] != "explain"))
        co_return problem(404, "Not found", "there are /v1/queue and /v1/explain");
    if (!is_post && request.method != "GET")
        co_return problem(405, "Method not allowed", "GET and POST are");
    std::size_t const least = is_post ? 3 : 2;
    if (path.size() > 4 || path.size() < least || (is_post && path[1] == "explain"))
        co_return problem(404, "Not found", "there is nothing at this path");
    if (is_post) {
        co_return co_await handle_post(core, std::move(*target));
    }
    co_return co_await handle_get(core, std::move(*target));
}

}  // namespace

Task<HttpResponse> QueueAdmin::handle(rt::HttpRequest request) {
    auto& core = queue_.core();
    auto work = handle_here(core, std::move(request));
    co_return co_await boost::asio::co_spawn(core.executor(), std::move(work),
                                             boost::asio::use_awaitable);
}

}  // namespace dawk::mta
