// Reports are messages: composed here, they go to disk in one batch with the change they tell of,
// and enter the queue like any other mail.
#include <algorithm>

#include "dawk/base/check.hpp"
#include "dawk/base/mutation.hpp"
#include "dawk/dsn/decide.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/mta/placement.hpp"
#include "dawk/mta/queue_core.hpp"
#include "dawk/mta/report_message.hpp"
#include "dawk/mta/signing.hpp"

namespace dawk::mta {
namespace {

using envelope::Envelope;
using envelope::Event;
using envelope::State;

constexpr auto pause_after_error = std::chrono::seconds(5);

bool has_news(Envelope const& envelope, Change const& change) {
    auto const& notify = envelope.recipients[change.recipient].notify;
    bool const is_bounce = envelope.reverse_path.is_null();
    switch (change.decision.state) {
        case State::failed:
        case State::expired:
            return is_bounce || notify.wants_failure();
        case State::delivered:
            return !is_bounce && notify.wants_success();
        case State::relayed:
            return !is_bounce && notify.wants_success() && !change.outcome.remote_has_dsn;
        case State::waiting:
            return !is_bounce && change.decision.warn_delay && notify.wants_delay();
        case State::held:
        case State::removed:
            return false;
    }
    return false;
}

// The envelope as it will be, so that the report speaks of what has happened.
Envelope after(Envelope const& before, std::vector<Change> const& changes) {
    auto envelope = before;
    for (auto const& change : changes) {
        auto& recipient = envelope.recipients[change.recipient];
        recipient.state = change.decision.state;
        if (change.attempted) ++recipient.attempts;
        if (!change.outcome.status.empty()) recipient.last = change.outcome;
        if (recipient.state == State::waiting)
            recipient.next_attempt = change.decision.next_attempt;
        // RFC 3463 §3.5 X.4.7: it is the time that failed it, whatever the last answer was.
        if (recipient.state == State::expired && recipient.last.status.empty())
            recipient.last.status = "4.4.7";
    }
    return envelope;
}

std::vector<dsn::Reported> news_of(Envelope const& envelope, std::vector<Change> const& changes) {
    std::vector<dsn::Reported> news;
    for (auto const& change : changes) {
        auto const kind = dsn::kind_of(envelope.recipients[change.recipient]);
        if (kind)
            news.push_back({change.recipient, *kind});
        else if (change.decision.warn_delay)
            news.push_back({change.recipient, dsn::Kind::delayed});
    }
    return news;
}

}  // namespace

bool QueueCore::needs_report(Live const& live, std::vector<Change> const& changes) const {
    auto const& envelope = live.truth();
    return std::any_of(changes.begin(), changes.end(),
                       [&](Change const& change) { return has_news(envelope, change); });
}

Task<void> QueueCore::report(Live& live, std::uint32_t part, std::vector<Change> changes) {
    auto const future = after(live.truth(), changes);
    auto const news = news_of(future, changes);
    auto const original = co_await read_original(live);
    dsn::DecideOptions options;
    if (auto const postmaster = mail::parse_mailbox(settings_->postmaster))
        options.postmaster = *postmaster;
    auto const header = mail::HeaderSection::parse(original.octets);
    options.is_automatic = header.has_value() && dsn::is_automatic(*header);
    auto decision = dsn::decide(future, news, options);

    if (mutated(Mutation::report_without_sender) && future.reverse_path.is_null()) {
        for (auto& one : decision.reports) {
            one.to = *mail::parse_mailbox("x@home.test");
            one.to_postmaster = false;
        }
    }
    std::vector<Report> made;
    for (auto const& one : decision.reports) {
        auto report = co_await make_report(live, future, one, original);
        if (report.envelope)
            made.push_back(std::move(report));
        else
            strand(report, decision.stranded);
    }
    finish_report(live, part, std::move(changes), std::move(made), decision);
}

// The start of the content, as much as a report may give back; nothing when it cannot be read.
Task<Original> QueueCore::read_original(Live& live) {
    Original original;
    auto content = live.content;
    if (!content) {
        auto opened = co_await spool().open_content(live.shared);
        if (!opened) co_return original;
        content = std::move(*opened);
    }
    auto const most = dsn::Settings().content_size_max;
    auto const reader = content->reader();
    while (original.octets.size() < most) {
        auto const piece = co_await reader->next();
        if (!piece || piece->empty()) break;
        original.octets += piece->substr(0, most - original.octets.size());
    }
    original.is_whole = original.octets.size() == content->size();
    co_return original;
}

// Who cannot be told is told of to the postmaster; when he cannot be reached either, the result has
// no envelope.
Task<Report> QueueCore::make_report(Live& live, Envelope const& future, dsn::Report told,
                                    Original const& original) {
    Report report;
    report.live = &live;
    for (auto const& one : told.recipients) report.recipients.push_back(one.recipient);
    auto placement = co_await place_report(told.to);
    if (placement.to.empty() && !told.to_postmaster) {
        auto const postmaster = mail::parse_mailbox(settings_->postmaster);
        std::erase_if(told.recipients,
                      [](dsn::Reported const& one) { return one.kind != dsn::Kind::failed; });
        if (!postmaster || told.recipients.empty()) co_return report;
        told.to = *postmaster;
        told.to_postmaster = true;
        placement = co_await place_report(told.to);
    }
    if (placement.to.empty()) co_return report;

    auto const id = MessageId::make(now(), env().rng.next(), env().rng.next());
    dsn::Request request;
    request.subject = &future;
    request.recipients = told.recipients;
    request.to = told.to;
    request.id = id;
    request.now = now();
    request.to_postmaster = told.to_postmaster;
    auto message = make_report_message(settings_->hostname, request,
                                       dsn::Original{original.octets, original.is_whole}, placement,
                                       queue::expiry(true, policy(), now()));
    auto const signing = settings_->signing;
    auto const signatures = co_await sign_own(env().pool, signing, message.octets, now());
    if (signatures)
        message.envelope->trace = *signatures;  // a token that fails must not keep it back
    report.content = co_await write_report(id, message.octets);
    if (!report.content) co_return report;
    report.envelope = std::move(message.envelope);
    report.events = std::move(message.events);
    co_return report;
}

Task<Placement> QueueCore::place_report(mail::Address to) {
    Placement placement;
    placement.kind = Placement::Kind::unavailable;
    while (true) {
        auto const routes = *router_;
        placement = co_await place(directory(), routes, to);
        if (placement.kind != Placement::Kind::unavailable) co_return placement;
        if (env().clock.steady() >= give_up_at_) co_return placement;
        auto const again = env().clock.steady() + pause_after_error;
        co_await env().clock.sleep_until(again);
    }
}

// Until there is room for it; null when stop() has no more time.
Task<spool::ContentPtr> QueueCore::write_report(MessageId id, std::string_view octets) {
    while (true) {
        auto const writer = spool().create_content(id, octets.size());
        auto const written = co_await writer->write(octets);
        if (written) {
            auto finished = co_await writer->finish();
            if (finished) co_return std::move(*finished);
        }
        if (env().clock.steady() >= give_up_at_) co_return nullptr;
        auto const again = env().clock.steady() + pause_after_error;
        co_await env().clock.sleep_until(again);
    }
}

void QueueCore::strand(Report const& report, std::vector<std::uint32_t>& stranded) {
    for (auto const index : report.recipients) stranded.push_back(index);
}

void QueueCore::finish_report(Live& live, std::uint32_t part, std::vector<Change> changes,
                              std::vector<Report> made, dsn::Decision const& decision) {
    auto const& stranded = decision.stranded;
    std::vector<Event> events;
    event_target_ = &events;
    for (auto& change : changes) {
        bool const is_stranded =
            std::find(stranded.begin(), stranded.end(), change.recipient) != stranded.end();
        if (is_stranded &&
            (change.decision.state == State::failed || change.decision.state == State::expired))
            change.decision.state = State::held;  // kept for an operator, never dropped
        for (auto const& report : decision.reports)
            for (auto const& told : report.recipients)
                if (told.recipient == change.recipient && told.kind == dsn::Kind::delayed)
                    change.delay_notified = true;
    }
    apply(live, changes);
    event_target_ = &events_;
    for (auto& event : events)
        if (event.kind == Event::Kind::held)
            event.note = "It failed, and neither its sender nor the postmaster can be told.";
    auto& first = made.empty() ? events_ : made.front().events;
    first.insert(first.begin(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
    for (auto& report : made) {
        ++live.reporting;
        reports_.push_back(std::move(report));
    }
    --live.parts[part].staged;
    --live.pins;
    --reports_running_;
    commit_wake_.wake();
    part_done(live, part);
}

}  // namespace dawk::mta
