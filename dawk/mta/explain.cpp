#include "dawk/mta/explain.hpp"

#include <algorithm>

#include "dawk/base/ascii.hpp"
#include "dawk/dsn/words.hpp"
#include "dawk/mta/auth_words.hpp"
#include "dawk/mta/placement.hpp"
#include "dawk/mta/queue_json.hpp"
#include "dawk/mta/words.hpp"

namespace dawk::mta {
namespace {

namespace json = boost::json;
using envelope::Envelope;
using envelope::Event;
using envelope::Outcome;
using envelope::Recipient;
using envelope::State;

constexpr std::size_t ahead_max = 10'000;
constexpr std::size_t ahead_page = 1000;
constexpr std::size_t recent_events = 200;
constexpr std::size_t recent_messages = 10;

// Sentences for people, and the same facts for programs.
struct Story {
    json::array lines;
    json::object facts;
    void say(std::string const& line) { lines.push_back(json_text(line)); }
};

std::string angle(mail::Address const& address) {
    return '<' + ascii::printable(address.text(), 320) + '>';
}

rt::HttpResponse told(Story story) {
    story.facts["story"] = std::move(story.lines);
    return json_response(story.facts);
}

// How many entries stand before this one in the schedule of its destination; bounded.
Task<std::size_t> count_ahead(QueueCore& core, std::string destination, WallTime due,
                              MessageId id) {
    std::size_t ahead = 0;
    std::optional<spool::Due> after;
    while (ahead < ahead_max) {
        auto const page = co_await core.spool().due(destination, after, ahead_page);
        if (!page) co_return ahead;
        for (auto const& entry : *page) {
            if (std::tie(entry.due, entry.id) >= std::tie(due, id)) co_return ahead;
            ++ahead;
        }
        if (page->size() < ahead_page) co_return ahead;
        after = page->back();
    }
    co_return ahead_max;
}

std::string many(std::size_t count) {
    if (count >= ahead_max) return "more than " + std::to_string(ahead_max) + " messages stand";
    if (count == 1) return "1 message stands";
    return std::to_string(count) + " messages stand";
}

void say_last(Story& story, Recipient const& recipient, WallTime now) {
    auto const& last = recipient.last;
    if (last.status.empty()) return;
    auto const when = last.at == WallTime{} ? std::string() : " at " + say_when(last.at, now);
    story.say("    Last attempt" + when + ": " + say_outcome(last));
    auto const kind = last.kind == Outcome::Kind::failed ? dsn::Kind::failed : dsn::Kind::delayed;
    auto const words = dsn::words_for(last.status, kind);
    if (last.kind != Outcome::Kind::delivered && !words.what.empty())
        story.say("    That means: " + std::string(words.what) +
                  (words.advice.empty() ? "" : ' ' + std::string(words.advice)));
}

std::string say_back_off(DestinationView const& view, WallTime now) {
    return "The host has not answered " + std::to_string(view.failures) +
           (view.failures == 1 ? " time" : " times in a row") + " (" +
           say_outcome(view.last_failure) + ") and is tried again, by one message, at " +
           say_when(*view.backed_off_until, now) + '.';
}

// What happens next with a recipient that waits, from what keeps it to what it waits for.
Task<std::string> next_step(QueueCore& core, Envelope const& envelope, std::uint32_t index) {
    auto const now = core.env().clock.wall();
    auto const recipient = envelope.recipients[index];
    auto const view = core.view(recipient.destination);
    auto const* const live = core.find_live(envelope.id);
    if (live != nullptr && core.is_flying(*live, index))
        co_return "It is being delivered at this moment.";
    if (!core.router().route_of_key(recipient.destination))
        co_return "Its destination " + recipient.destination +
            " is not in the configuration any more; it will be routed anew at " +
            say_when(std::max(recipient.next_attempt, now), now) + '.';
    if (recipient.next_attempt > now) {
        std::string text = "The next attempt is at " + say_when(recipient.next_attempt, now) + '.';
        if (view && view->backed_off_until) text += ' ' + say_back_off(*view, now);
        co_return text;
    }
    auto const id = envelope.id;
    auto const ahead =
        co_await count_ahead(core, recipient.destination, recipient.next_attempt, id);
    if (view && view->backed_off_until)
        co_return "It is due, and waits for its destination. " + say_back_off(*view, now) +
            " Before it " + many(ahead) + '.';
    std::string text = "It is due; before it " + many(ahead) + " in line.";
    if (view)
        text += " " + std::to_string(view->connected) +
                " connections to the destination are open, " + std::to_string(view->limit) +
                " are allowed now.";
    co_return text;
}

Task<void> tell_recipient(QueueCore& core, Story& story, Envelope const& envelope,
                          std::uint32_t index, json::array& recipients) {
    auto const now = core.env().clock.wall();
    auto const recipient = envelope.recipients[index];
    auto one = json_of(recipient);
    std::string head = "To " + angle(recipient.address);
    if (recipient.original != recipient.address)
        head += ", which " + angle(recipient.original) + " stands for";
    story.say(head + ": " + std::string(to_string(recipient.state)) + '.');
    auto const route = core.router().route_of_key(recipient.destination);
    auto const way = route ? say_route(*route, recipient.address, recipient.original)
                           : std::string("no present route");
    one["route"] = json_text(way);
    story.say("    Its way is " + way + " (" + recipient.destination + ").");
    story.say("    Attempts so far: " + std::to_string(recipient.attempts) + '.');
    say_last(story, recipient, now);
    if (recipient.state == State::waiting) {
        auto const next = co_await next_step(core, envelope, index);
        story.say("    " + next);
        one["next"] = json_text(next);
        story.say("    If nothing helps it is given up at " + say_when(envelope.expires, now) +
                  (recipient.notify.wants_failure() ? " and the sender is told." : "."));
    }
    if (recipient.state == State::held)
        story.say("    It is held; \"dawk queue release " + envelope.id.text() +
                  "\" lets it go on, \"dawk queue remove\" ends it.");
    if (auto const view = core.view(recipient.destination))
        one["destination_state"] = json_of(*view, now);
    recipients.push_back(std::move(one));
}

void tell_history(Story& story, std::vector<Event> const& events) {
    json::array array;
    if (!events.empty()) story.say("What happened:");
    for (auto const& event : events) {
        story.say("    " + utc(event.at) + "  " + say_event(event));
        for (auto const& line : say_authentication(event.authentication))
            story.say("        " + line);
        array.push_back(json_of(event));
    }
    story.facts["history"] = std::move(array);
}

Task<void> tell_message(QueueCore& core, Story& story, Envelope const envelope) {
    auto const now = core.env().clock.wall();
    story.facts["message"] = json_of(envelope, now);
    auto const sender = envelope.reverse_path.is_null()
                            ? std::string("no sender: it is a report or bounce")
                            : "sender " + angle(envelope.reverse_path);
    story.say("Message " + envelope.id.text() + ", " + std::to_string(envelope.content_size) +
              " octets, " + sender + ", is in the queue.");
    story.say("It arrived at " + say_when(envelope.arrived, now) + ", " +
              say_origin(envelope.origin) + '.');
    json::array recipients;
    for (std::uint32_t i = 0; i < envelope.recipients.size(); ++i) {
        co_await tell_recipient(core, story, envelope, i, recipients);
    }
    story.facts["recipients"] = std::move(recipients);
}

Task<rt::HttpResponse> explain_message(QueueCore& core, MessageId id) {
    Story story;
    story.facts["id"] = json_text(id.text());
    auto const history = co_await core.spool().history(id);
    std::string trouble;
    spool::EnvelopePtr envelope;
    if (auto const* const live = core.find_live(id); live != nullptr && !live->finished) {
        envelope = std::make_shared<Envelope const>(live->truth());
    } else {
        auto const loaded = co_await core.spool().load(id);
        if (loaded)
            envelope = *loaded;
        else if (loaded.error() != Errc::not_found)
            trouble = loaded.error().message();
    }
    if (!envelope && trouble.empty() && (!history || history->empty()))
        co_return problem(404, "No such message", "Neither the queue nor the history knows of it.");
    if (envelope) {
        co_await tell_message(core, story, *envelope);
        story.facts["state"] = "queued";
    } else if (!trouble.empty()) {
        story.say("Message " + id.text() + " cannot be read: " + trouble);
        story.facts["state"] = "unreadable";
    } else {
        auto const& first = history->front();
        story.say("Message " + id.text() + " is finished and no longer in the queue.");
        story.say(first.sender.empty()
                      ? "It had no sender: it was a report or bounce."
                      : "Its sender was <" + ascii::printable(first.sender, 320) + ">.");
        story.facts["state"] = "finished";
    }
    if (history)
        tell_history(story, *history);
    else
        story.say("Its history cannot be read: " + history.error().message());
    co_return told(std::move(story));
}

Task<void> tell_way(QueueCore& core, Story& story, mail::Address address) {
    auto const now = core.env().clock.wall();
    auto const routes = core.router();
    auto const placement = co_await place(core.directory(), routes, address);
    using Kind = Placement::Kind;
    json::array ways;
    switch (placement.kind) {
        case Kind::unknown:
            story.say("Mail to " + angle(address) +
                      " is refused: the domain is ours, but has no such "
                      "mailbox (550 5.1.1).");
            break;
        case Kind::disabled:
            story.say("Mail to " + angle(address) +
                      " is refused: its mailbox is disabled "
                      "(550 5.2.1).");
            break;
        case Kind::unavailable:
            story.say("Where mail to " + angle(address) +
                      " goes cannot be said: the directory does "
                      "not answer.");
            break;
        case Kind::deliverable:
            break;
    }
    for (auto const& to : placement.to) {
        json::object way;
        auto const route = core.router().route_of_key(to.destination);
        auto const words = route ? say_route(*route, to.address, address) : std::string("no route");
        way["address"] = json_text(to.address.text());
        way["destination"] = json_text(to.destination);
        way["route"] = json_text(words);
        story.say(
            "Mail to " + angle(address) +
            (to.address == address ? std::string() : " stands for " + angle(to.address) + " and") +
            " goes now " + words + " (" + to.destination + ").");
        if (auto const view = core.view(to.destination)) {
            way["destination_state"] = json_of(*view, now);
            if (view->backed_off_until) story.say("    " + say_back_off(*view, now));
        }
        ways.push_back(std::move(way));
    }
    story.facts["is_local"] = placement.is_local;
    story.facts["goes_to"] = std::move(ways);
}

// The latest messages that concern an address, newest first, each with the last that happened.
void tell_recent(Story& story, std::vector<Event> const& events) {
    json::array messages;
    std::vector<MessageId> seen;
    for (auto const& event : events) {
        if (event.id.is_null() || std::find(seen.begin(), seen.end(), event.id) != seen.end())
            continue;
        if (seen.size() == recent_messages) break;
        seen.push_back(event.id);
        if (seen.size() == 1) story.say("Its latest messages, the newest first:");
        story.say("    " + event.id.text() + "  " + utc(event.at) + "  " + say_event(event));
        messages.push_back(json_of(event));
    }
    if (seen.empty()) story.say("The history knows no message from or to it.");
    story.facts["recent"] = std::move(messages);
}

Task<rt::HttpResponse> explain_address(QueueCore& core, mail::Address address) {
    Story story;
    auto const text = address.text();
    story.facts["address"] = json_text(text);
    co_await tell_way(core, story, std::move(address));
    auto const recent = co_await core.spool().history_of(text, recent_events);
    if (recent)
        tell_recent(story, *recent);
    else
        story.say("Its history cannot be read: " + recent.error().message());
    co_return told(std::move(story));
}

}  // namespace

Task<rt::HttpResponse> explain(QueueCore& core, std::string about) {
    auto const id = MessageId::from_text(about);
    if (id) {
        co_return co_await explain_message(core, *id);
    }
    mail::AddressOptions options;
    options.utf8 = true;
    options.long_local = true;
    auto const address = mail::parse_mailbox(about, options);
    if (address) {
        co_return co_await explain_address(core, *address);
    }
    co_return problem(400, "Bad request",
                      "this is neither a message id (26 letters and digits) nor an address");
}

}  // namespace dawk::mta
