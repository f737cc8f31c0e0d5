#include "dawk/mta/reporter.hpp"

#include <boost/asio/post.hpp>

#include "dawk/base/ascii.hpp"
#include "dawk/mta/inquire.hpp"
#include "dawk/mta/local_mail.hpp"

namespace dawk::mta {

namespace {

using namespace std::chrono_literals;
constexpr auto look_every = 10min;
constexpr std::uint64_t spread_seconds = 7200;  // after midnight, from 10 minutes on
constexpr auto dns_time = 60s;                  // for the destinations of one report
constexpr std::size_t reports_max = 10'000;     // in one round

// "20231114"
std::string digits_of(reports::Day day) {
    std::chrono::year_month_day const date{std::chrono::sys_days{std::chrono::days{day}}};
    auto const number = static_cast<int>(date.year()) * 10'000 +
                        static_cast<int>(static_cast<unsigned>(date.month())) * 100 +
                        static_cast<int>(static_cast<unsigned>(date.day()));
    return std::to_string(number);
}

}  // namespace

Reporter::Reporter(ReceiverPorts& ports, reports::Store& store, Say say)
    : ports_(ports),
      store_(store),
      say_(std::move(say)),
      tasks_(ports.env.executor),
      after_midnight_(10min + std::chrono::seconds(ports.env.rng.below(spread_seconds))) {}

void Reporter::start() {
    tasks_.spawn(run());
}

Task<void> Reporter::stop() {
    stopping_ = true;
    tasks_.cancel();
    co_await tasks_.join();
}

mail::Address Reporter::own_address() const {
    auto const parsed = mail::parse_mailbox(settings_->dmarc_reports.from);
    return parsed ? *parsed : mail::Address{};
}

std::string Reporter::unique() {
    std::uint64_t const high = ports_.env.rng.next();
    return MessageId::make(ports_.env.clock.wall(), high, ports_.env.rng.next()).text();
}

Task<void> Reporter::run() {
    while (true) {
        auto const now = ports_.env.clock.wall();
        auto const today = reports::day_of(now);
        auto const into_day = now - std::chrono::floor<std::chrono::days>(now);
        if (today != done_ && into_day >= after_midnight_) {
            auto const posted = co_await send_due();
            if (posted > 0) say_("info", std::to_string(posted) + " DMARC reports were sent");
        }
        auto const next = ports_.env.clock.steady() + look_every;
        co_await ports_.env.clock.sleep_until(next);
    }
}

Task<std::size_t> Reporter::send_due() {
    std::size_t posted = 0;
    auto const today = reports::day_of(ports_.env.clock.wall());
    auto const kept =
        std::chrono::duration_cast<std::chrono::days>(settings_->dmarc_reports.keep).count();
    if (!own_address().is_null()) {
        auto const keys = co_await store_.unsent(today, reports_max);
        if (!keys) {
            say_("error", "DMARC reports cannot be read: " + keys.error().message());
            co_return posted;
        }
        for (auto const& key : *keys) {
            auto const sent = co_await report_on(key, today);
            posted += sent;
        }
        auto const left = co_await store_.unsent(today, 1);
        if (left && left->empty()) done_ = today;
    } else {
        done_ = today;
    }
    auto const forgotten = co_await store_.forget(today - kept);
    if (!forgotten) say_("error", "old DMARC reports stay: " + forgotten.error().message());
    co_return posted;
}

dmarcreport::Mail Reporter::mail_about(reports::Key const& key,
                                       reports::Collected collected) const {
    auto const& settings = settings_->dmarc_reports;
    dmarcreport::Mail mail;
    mail.submitter = settings_->hostname;
    mail.from = own_address();
    mail.from_name = "DMARC Aggregate Report";
    mail.date = ports_.env.clock.wall();
    auto& report = mail.report;
    report.org_name = settings.organization.empty() ? settings_->hostname : settings.organization;
    report.email = settings.from;
    report.extra_contact_info = settings.contact;
    report.report_id = digits_of(key.day) + "." + key.domain + "@" + settings_->hostname;
    report.generator = "Dawk";
    report.begin = key.day * reports::day_seconds;
    report.end = report.begin + reports::day_seconds - 1;
    report.policy = std::move(collected.policy);
    report.rows = std::move(collected.rows);
    if (collected.rows_left_out > 0)
        report.errors.push_back(std::to_string(collected.rows_left_out) +
                                " records with fewer messages were left out");
    return mail;
}

Task<std::size_t> Reporter::report_on(reports::Key key, reports::Day today) {
    auto const age = today - key.day;
    auto collected = co_await store_.collected(key, rows_max);
    if (!collected) {
        say_("error", "DMARC report for " + key.domain + ": " + collected.error().message());
        co_return 0;
    }
    Posted posted;
    posted.note = "too old";
    if (age <= days_to_send) {
        auto rua = std::move(collected->rua);
        auto mail = mail_about(key, std::move(*collected));
        posted = co_await post_to_all(std::move(mail), std::move(rua), age);
    }
    if (posted.again) co_return posted.messages;
    auto const marked = co_await store_.mark_sent(key, ports_.env.clock.wall(), posted.note);
    if (!marked) say_("error", "DMARC report for " + key.domain + ": " + marked.error().message());
    co_return posted.messages;
}

Task<Reporter::Posted> Reporter::post_to_all(dmarcreport::Mail mail, std::vector<std::string> rua,
                                             reports::Day age) {
    Posted out;
    auto inquiry = dmarcreport::destinations(mail.report.policy.domain, std::move(rua));
    auto const deadline = ports_.env.clock.steady() + dns_time;
    mailauth::LookUps look_ups;
    auto const found = co_await answered(std::move(inquiry), ports_.env, deadline, look_ups);
    for (auto const& one : found)
        if (one.is_temporary && age <= days_to_retry) out.again = true;
    if (out.again) co_return out;
    auto const report = std::make_shared<dmarcreport::Report const>(mail.report);
    auto job = [report] { return dmarcreport::gzip(dmarcreport::to_xml(*report)); };
    auto const packed = co_await rt::offload(ports_.env.pool, job);
    for (auto const& one : found) {
        auto const& name = one.address.is_null() ? one.uri : one.address.text();
        if (!one.is_allowed) {
            out.note += "not to " + name + ": " + one.reason + "; ";
            continue;
        }
        mail.to = one.address;
        mail.unique = unique();
        mail.message_id = mail.unique + "@" + settings_->hostname;
        auto content = dmarcreport::compose_mail(mail, packed);
        auto const most = settings_->dmarc_reports.size_max_bytes;
        bool const fits = content && content->size() <= most &&
                          (one.bytes_max == 0 || content->size() <= one.bytes_max);
        if (!fits) {
            out.note += "not to " + name + ": it is too large; ";
            continue;
        }
        LocalMail local{mail.from, one.address, std::move(*content)};
        auto const id = co_await post(ports_, settings_, std::move(local));
        if (id) {
            ++out.messages;
            out.note += "to " + name + " as " + id->text() + "; ";
        } else if (id.error() == Errc::not_found) {
            out.note += "not to " + name + ": there is no such mailbox here; ";
        } else {
            say_("error", "a DMARC report cannot be sent now: " + id.error().message());
            out.again = true;
        }
    }
    co_return out;
}

void Reporter::failure(FailureSeen seen) {
    boost::asio::post(ports_.env.executor, [this, seen = std::move(seen)]() mutable {
        if (stopping_ || !may_send_failure(seen)) return;
        tasks_.spawn(send_failure(std::move(seen)));
    });
}

// The same domain from the same address once an hour, and so many in all (RFC 9991 §3).
bool Reporter::may_send_failure(FailureSeen const& seen) {
    auto const hour =
        std::chrono::floor<std::chrono::hours>(ports_.env.clock.wall()).time_since_epoch().count();
    if (hour != hour_) {
        hour_ = hour;
        failures_of_hour_ = 0;
        reported_in_hour_.clear();
    }
    auto const& settings = settings_->dmarc_reports;
    if (!settings.failures || failures_of_hour_ >= settings.failures_per_hour) return false;
    auto const what = seen.author_domain + " " + seen.report.source_ip;
    if (!reported_in_hour_.insert(what).second) return false;
    ++failures_of_hour_;
    return true;
}

Task<void> Reporter::send_failure(FailureSeen seen) {
    auto inquiry = dmarcreport::destinations(seen.policy_domain, std::move(seen.ruf),
                                             dmarcreport::ReportKind::failure);
    auto const deadline = ports_.env.clock.steady() + dns_time;
    mailauth::LookUps look_ups;
    auto const found = co_await answered(std::move(inquiry), ports_.env, deadline, look_ups);
    for (auto const& one : found) {
        if (!one.is_allowed) continue;
        arf::Draft draft;
        draft.report = seen.report;
        draft.report.user_agent = "Dawk";
        draft.report.reporting_mta = settings_->hostname;
        draft.from = own_address();
        draft.from_name = "DMARC Failure Report";
        draft.to = one.address;
        draft.subject = "DMARC failure report for " + seen.author_domain;
        draft.date = ports_.env.clock.wall();
        draft.unique = unique();
        draft.message_id = draft.unique + "@" + settings_->hostname;
        auto const& kind = seen.report.auth_failure;
        auto const* const what = kind == "dmarc" ? "DMARC" : kind == "spf" ? "SPF" : "DKIM";
        draft.text =
            "A message in the name of " + seen.author_domain + " came from the address " +
            seen.report.source_ip + " and failed " + what +
            ".\nIts header follows without the names of its recipients. "
            "You asked for this by the ruf\ntag of your DMARC record; at most one a source "
            "and hour is sent.\n";
        draft.original = seen.original;
        auto content = arf::compose(draft);
        if (!content) continue;
        LocalMail local{draft.from, one.address, std::move(*content)};
        auto const id = co_await post(ports_, settings_, std::move(local));
        if (id)
            ++failures_sent_;
        else
            say_("error", "a DMARC failure report cannot be sent: " + id.error().message());
    }
}

}  // namespace dawk::mta
