#include "bench/session.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <unistd.h>

namespace dawk::bench {

namespace {

constexpr std::array<std::string_view, 8> stage_names = {"greeting", "helo", "mail", "rcpt",
                                                         "data",     "dot",  "rset", "quit"};
std::uint32_t micros(double seconds) {
    return static_cast<std::uint32_t>(std::clamp(seconds * 1e6, 0.0, 4e9));
}

}  // namespace

std::optional<std::uint64_t> Run::take_number() {
    if (!has_work()) return std::nullopt;
    return next++;
}

bool Run::has_work() const {
    if (stop || (plan.messages != 0 && next >= plan.messages)) return false;
    return plan.deadline == 0 || monotonic_seconds() < plan.deadline;
}

Session::~Session() {
    give_up();
}

bool Session::open() {
    fd_ = connect_to(run_.plan.to);
    if (fd_ < 0) {
        run_.report.count_error(std::string("connect ") + std::strerror(errno));
        ++connect_failures_;
        return false;
    }
    opened_ = monotonic_seconds();
    connecting_ = true;
    greeted_ = held_ = quitting_ = false;
    sent_here_ = sent_recipients_ = 0;
    expect_.assign(1, Expect::greeting);
    mails_.clear();
    out_.clear();
    out_offset_ = 0;
    partial_.clear();
    return true;
}

void Session::give_up() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
}

bool Session::end_if_unheard(double now) {
    constexpr double patience = 10;
    if (closed() || greeted_ || now - opened_ < patience) return false;
    ++connect_failures_;
    run_.report.count_error("greeting timed out");
    give_up();
    return true;
}

void Session::on_event(bool readable, bool writable) {
    if (connecting_ && (writable || readable)) {
        int error = 0;
        socklen_t length = sizeof error;
        getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) {
            ++connect_failures_;
            run_.report.count_error(std::string("connect ") + std::strerror(error));
            return give_up();
        }
        connecting_ = false;
        connect_failures_ = 0;
        ++run_.report.connections;
    }
    if (readable) read_replies();
    if (!closed() && !out_.empty()) flush();
}

void Session::read_replies() {
    static std::array<char, 65536> buffer;
    auto const got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0) {
        if (errno == EAGAIN || errno == EINTR) return;
        return lose(std::strerror(errno));
    }
    if (got == 0) {
        if (quitting_ && mails_.empty()) return give_up();
        return lose("closed");
    }
    std::string_view data(buffer.data(), static_cast<std::size_t>(got));
    if (!partial_.empty()) {
        partial_.append(data);
        data = partial_;
    }
    std::string rest;
    while (!closed()) {
        auto const end = data.find('\n');
        if (end == std::string_view::npos) break;
        on_line(data.substr(0, end));
        data.remove_prefix(end + 1);
    }
    if (closed()) return;
    if (data.size() > 65536) return lose("endless reply line");
    rest.assign(data);
    partial_ = std::move(rest);
}

void Session::on_line(std::string_view line) {
    if (line.size() < 3 || line[0] < '2' || line[0] > '5') return lose("not a reply");
    if (line.size() > 3 && line[3] == '-') return;
    on_reply((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
}

void Session::on_reply(int code) {
    if (expect_.empty()) return lose("unexpected reply " + std::to_string(code));
    auto const stage = expect_.front();
    expect_.pop_front();
    bool const ok = code < 400;
    if (!ok) count_refusal(stage, code);
    if (code == 421 || (!ok && (stage == Expect::greeting || stage == Expect::helo)))
        return lose({});
    if (stage == Expect::rcpt && ok) ++mails_.back().accepted;
    if (stage == Expect::data && ok) after_go_ahead();
    if (stage == Expect::dot) on_content_reply(ok);
    if (stage == Expect::helo) held_ = run_.plan.hold_idle;
    if (expect_.empty() && !held_ && !quitting_) next_step();
}

// A refused recipient fails the message only when none is left.
void Session::count_refusal(Expect stage, int code) {
    run_.report.count_error(std::string(stage_names[static_cast<std::size_t>(stage)]) + " " +
                            std::to_string(code));
    if (stage == Expect::dot) mails_.front().failed = true;
    if (stage == Expect::mail || stage == Expect::data) mails_.back().failed = true;
}

// 354 came: content follows, even when nobody is left to get it (RFC 2920 §3.1). Pipelined, the
// commands of the next message travel behind the final dot.
void Session::after_go_ahead() {
    auto& mail = mails_.back();
    if (mail.accepted != 0) {
        out_.push_back({run_.maker.head(mail.number), {}});
        out_.push_back({{}, run_.maker.body()});
    } else {
        mail.failed = true;
    }
    auto const replies = run_.plan.lhlo ? mail.accepted : 1;
    for (std::uint64_t i = 0; i < replies; ++i) expect_.push_back(Expect::dot);
    mail.dot_sent = monotonic_seconds();
    send_commands(".\r\n");
    if (run_.plan.pipeline && begin_message()) send_mail_group();
}

void Session::on_content_reply(bool ok) {
    auto& mail = mails_.front();
    ++mail.answered;
    if (!ok) mail.failed = true;
    if (!run_.plan.lhlo || mail.answered >= mail.accepted) finish_mail();
}

void Session::finish_mail() {
    auto const mail = mails_.front();
    mails_.pop_front();
    auto& report = run_.report;
    if (mail.failed) {
        ++report.failed;
        return;
    }
    double const now = monotonic_seconds();
    ++report.messages;
    report.commit_us.push_back(micros(now - mail.dot_sent));
    report.message_us.push_back(micros(now - mail.mail_sent));
    if (run_.acked != nullptr)
        std::fprintf(run_.acked, "%llu\n", static_cast<unsigned long long>(mail.number));
}

// All replies of the last group are in.
void Session::next_step() {
    if (!greeted_) {
        greeted_ = true;
        expect_.push_back(Expect::helo);
        return send_commands((run_.plan.lhlo ? "LHLO " : "EHLO ") + run_.plan.helo + "\r\n");
    }
    if (!mails_.empty()) return continue_mail();
    if (begin_message()) return send_mail_group();
    release();
}

// One message is under way and has no 354 yet.
void Session::continue_mail() {
    auto& mail = mails_.back();
    bool const asked_all = sent_recipients_ == run_.plan.recipients;
    if (mail.failed || (asked_all && (mail.accepted == 0 || run_.plan.pipeline))) {
        mail.failed = true;
        finish_mail();
        expect_.push_back(Expect::rset);
        return send_commands("RSET\r\n");
    }
    if (!asked_all) {
        expect_.push_back(Expect::rcpt);
        ++sent_recipients_;
        return send_commands(rcpt_command());
    }
    expect_.push_back(Expect::data);
    send_commands("DATA\r\n");
}

bool Session::begin_message() {
    if (run_.plan.per_connection != 0 && sent_here_ >= run_.plan.per_connection) return false;
    auto const number = run_.take_number();
    if (!number) return false;
    ++sent_here_;
    Mail mail;
    mail.number = *number;
    mails_.push_back(mail);
    return true;
}

std::string Session::rcpt_command() {
    return "RCPT TO:<" +
           fill_pattern(run_.plan.rcpt, run_.next_recipient++, run_.plan.rcpt_modulo) + ">\r\n";
}

void Session::send_mail_group() {
    mails_.back().mail_sent = monotonic_seconds();
    std::string text = "MAIL FROM:<" + run_.plan.from + ">\r\n";
    expect_.push_back(Expect::mail);
    sent_recipients_ = 0;
    if (run_.plan.pipeline) {
        for (; sent_recipients_ < run_.plan.recipients; ++sent_recipients_) {
            text += rcpt_command();
            expect_.push_back(Expect::rcpt);
        }
        text += "DATA\r\n";
        expect_.push_back(Expect::data);
    }
    send_commands(std::move(text));
}

void Session::release() {
    held_ = false;
    quitting_ = true;
    expect_.push_back(Expect::quit);
    send_commands("QUIT\r\n");
    flush();
}

void Session::send_commands(std::string text) {
    if (!out_.empty() && out_.back().view.empty() && out_.size() > 1) {
        out_.back().own += text;
        return;
    }
    out_.push_back({std::move(text), {}});
}

void Session::flush() {
    while (!out_.empty()) {
        std::array<iovec, 8> parts{};
        std::size_t count = 0;
        for (auto const& chunk : out_) {
            if (count == parts.size()) break;
            auto data = chunk.data();
            if (count == 0) data.remove_prefix(out_offset_);
            parts[count++] = {const_cast<char*>(data.data()), data.size()};
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        auto const sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN || errno == EINTR) return;
            return lose(std::strerror(errno));
        }
        out_offset_ += static_cast<std::size_t>(sent);
        while (!out_.empty() && out_offset_ >= out_.front().data().size()) {
            out_offset_ -= out_.front().data().size();
            out_.pop_front();
        }
    }
}

void Session::lose(std::string const& why) {
    if (!why.empty()) {
        auto const stage = expect_.empty() ? std::string_view("idle")
                                           : stage_names[static_cast<std::size_t>(expect_.front())];
        run_.report.count_error(std::string(stage) + " " + why);
    }
    run_.report.failed += mails_.size();
    mails_.clear();
    give_up();
}

}  // namespace dawk::bench
