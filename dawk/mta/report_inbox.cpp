#include "dawk/mta/report_inbox.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "dawk/authres/authres.hpp"
#include "dawk/base/ascii.hpp"
#include "dawk/mail/header.hpp"
#include "dawk/spool/content.hpp"

namespace dawk::mta {
namespace {

// Why the message may not be of whom it says; "" when it is, or was not examined: what our own
// users hand in, and machines that are exempt. Anybody could fill our tables with numbers
// otherwise, and a report must pass DMARC (RFC 9990 §3.5). Our own words in the trace tell.
std::string doubt_about(envelope::Envelope const& envelope) {
    auto const trace = mail::HeaderSection::parse(envelope.trace + "\r\n");
    auto const field = trace ? trace->first("Authentication-Results") : std::nullopt;
    auto const found = field ? authres::parse(field->body) : std::nullopt;
    if (!found) return {};
    bool passed = false;
    std::string dmarc = "none";
    for (auto const& one : found->results) {
        if (one.method == "dmarc") dmarc = one.result;
        passed |= (one.method == "spf" || one.method == "dkim") && one.result == "pass";
    }
    // A reporter without a record of his own: who he is is known all the same.
    if (dmarc == "pass" || (passed && (dmarc == "none" || dmarc == "temperror"))) return {};
    return "nobody stands behind it (dmarc=" + dmarc + ")";
}

}  // namespace

ReportInbox::ReportInbox(rt::Env& env, AcceptedSink& next, reports::Store& store,
                         std::optional<mail::Address> address, Say say)
    : env_(env),
      next_(next),
      store_(store),
      address_(std::move(address)),
      say_(std::move(say)),
      tasks_(env.executor) {}

Task<void> ReportInbox::stop() {
    stopping_ = true;
    co_await tasks_.join();  // what is under way is bounded, and soon done
}

bool ReportInbox::is_for_us(envelope::Envelope const& envelope) const {
    if (!address_) return false;
    auto const is_ours = [&](mail::Address const& to) {
        return ascii::iequals(to.local, address_->local) &&
               ascii::iequals(to.domain, address_->domain);
    };
    return std::any_of(envelope.recipients.begin(), envelope.recipients.end(),
                       [&](auto const& r) { return is_ours(r.original) || is_ours(r.address); });
}

void ReportInbox::accepted(spool::EnvelopePtr envelope, spool::ContentPtr content) {
    if (is_for_us(*envelope)) {
        boost::asio::post(env_.executor, [this, envelope, content] { take(envelope, content); });
    }
    next_.accepted(std::move(envelope), std::move(content));
}

void ReportInbox::refuse(envelope::Envelope const& envelope, std::string const& reason) {
    ++refused_;
    say_("warning", "no DMARC report was read from message " + envelope.id.text() + ": " + reason);
}

void ReportInbox::take(spool::EnvelopePtr envelope, spool::ContentPtr content) {
    auto const today = reports::day_of(env_.clock.wall());
    if (today != day_) {
        day_ = today;
        of_day_ = 0;
    }
    if (stopping_) return refuse(*envelope, "the server is stopping");
    if (auto const doubt = doubt_about(*envelope); !doubt.empty()) return refuse(*envelope, doubt);
    if (tasks_.size() >= waiting_max) return refuse(*envelope, "too many came at once");
    if (++of_day_ > reports_of_day_max) return refuse(*envelope, "too many came today");
    tasks_.spawn(read(std::move(envelope), std::move(content)));
}

Task<void> ReportInbox::read(spool::EnvelopePtr envelope, spool::ContentPtr content) {
    auto text = co_await spool::read_all(content, dmarcreport::ReadLimits().message_bytes);
    if (!text) {
        refuse(*envelope, text.error().message());
        co_return;
    }
    auto const octets = std::make_shared<std::string const>(std::move(*text));
    auto job = [octets] { return dmarcreport::read_message(*octets); };
    auto report = co_await rt::offload(env_.pool, job);
    if (!report) {
        refuse(*envelope, report.error().reason);
        co_return;
    }
    auto const now = env_.clock.wall();
    auto const kept = co_await store_.keep(std::move(*report), now);
    if (!kept)
        refuse(*envelope, kept.error().message());
    else if (*kept)
        ++kept_;
}

}  // namespace dawk::mta
