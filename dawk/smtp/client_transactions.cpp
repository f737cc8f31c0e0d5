// The part of ClientSession that sends transactions and reads what comes of them. Replies come in
// the order of the commands, and the commands of a second transaction go out only with the end of
// the first one's content: so each reply belongs to the first open transaction.
#include <algorithm>

#include "dawk/base/check.hpp"
#include "dawk/smtp/client_session.hpp"

namespace dawk::smtp {
namespace {

using Kind = RecipientResult::Kind;

// A write of more pieces is joined first: a hostile content is a dot on every line.
constexpr std::size_t pieces_max = 1024;

Kind kind_of(Reply const& reply) noexcept {
    if (reply.is_positive()) return Kind::accepted;
    return reply.is_permanent() ? Kind::permanent : Kind::transient;
}

// RFC 5321 §4.5.3.1.10: 552 for too many recipients is to be read as 452; what was accepted before
// goes on, the rest may follow in a transaction of its own.
Kind kind_of_rcpt(Reply const& reply, bool others_accepted) noexcept {
    bool const too_many = (reply.code == 452 || reply.code == 552) &&
                          (reply.status.empty() || reply.status.ends_with(".5.3"));
    if (too_many && others_accepted) return Kind::again;
    if (too_many) return Kind::transient;
    return kind_of(reply);
}

}  // namespace

bool ClientSession::is_used_up() const noexcept {
    return offered_.transactions_max != 0 && begun_ >= offered_.transactions_max;
}

bool ClientSession::can_begin() const noexcept {
    if (state_ != State::ready || failure_ || quit_wanted_ || is_used_up()) return false;
    if (open_.empty()) return true;
    auto const& first = open_.front();
    bool const ends_next = first.phase == Phase::tail && (first.what.content || first.head_sent);
    return open_.size() == 1 && ends_next && offered_.pipelining;
}

void ClientSession::begin(Transaction transaction) {
    DAWK_CHECK(can_begin());
    DAWK_CHECK(transaction.envelope != nullptr && !transaction.recipients.empty());
    ++begun_;
    Open open;
    open.result.tag = transaction.tag;
    open.result.recipients.resize(transaction.recipients.size());
    open.what = std::move(transaction);
    open_.push_back(std::move(open));
}

void ClientSession::quit() {
    quit_wanted_ = true;
}

std::optional<TransactionResult> ClientSession::take_result() {
    if (results_.empty()) return std::nullopt;
    auto result = std::move(results_.front());
    results_.pop_front();
    return result;
}

void ClientSession::settle(RecipientResult& result, Kind kind, std::string_view stage,
                           Reply const& reply) {
    if (result.kind != Kind::open) return;
    result.kind = kind;
    result.stage = stage;
    result.reply = reply;
}

// Everything not yet settled gets the same reply.
void ClientSession::settle_open(Open& open, std::string_view stage, Reply const& reply) {
    for (auto& result : open.result.recipients) settle(result, kind_of(reply), stage, reply);
}

void ClientSession::finish_first() {
    open_.front().result.dsn_passed = offered_.dsn;
    results_.push_back(std::move(open_.front().result));
    open_.pop_front();
}

// The connection is over: what has no answer is to be tried again. A 5yz was said of the
// connection, not of a recipient.
void ClientSession::abandon(Reply const& reply, std::string_view stage) {
    auto as_transient = reply;
    if (!reply.is_transient()) as_transient.code = 0;
    if (!reply.status.starts_with('4')) as_transient.status = "4.4.2";
    while (!open_.empty()) {
        auto& open = open_.front();
        open.result.untouched = !open.touched;
        for (auto& result : open.result.recipients) {
            settle(result, Kind::transient, stage, as_transient);
        }
        stage = "mail";  // of a second transaction
        finish_first();
    }
}

// ---- replies ------------------------------------------------------------------------------------

void ClientSession::handle_in_transaction(Expect what, Reply reply) {
    if (what == Expect::rset) {
        // RFC 5321 §4.1.1.5: only 250 is possible; a host that refuses RSET has an unknown state.
        if (!reply.is_positive()) nonsense("mail", "the host refuses RSET: " + reply.one_line());
        return;
    }
    DAWK_CHECK(!open_.empty());
    auto& open = open_.front();
    bool const wants_content = what == Expect::data && reply.code == 354;
    bool const is_refusal = reply.is_transient() || reply.is_permanent();
    bool const is_success = what != Expect::data && reply.is_positive();
    if (!is_refusal && !is_success && !wants_content) {
        auto const stage = current_stage();
        return nonsense(stage, "the host answers with " + reply.one_line());
    }
    open.touched = true;
    switch (what) {
        case Expect::mail:
            return on_mail_reply(open, std::move(reply));
        case Expect::rcpt:
            return on_rcpt_reply(open, std::move(reply));
        case Expect::data:
            return on_data_reply(open, std::move(reply));
        default:
            return on_final_reply(open, std::move(reply));
    }
}

void ClientSession::on_mail_reply(Open& open, Reply reply) {
    open.mail_ok = reply.is_positive();
    if (!open.mail_ok) settle_open(open, "mail", reply);
}

void ClientSession::on_rcpt_reply(Open& open, Reply reply) {
    auto& result = open.result.recipients[open.rcpts_answered++];
    if (!open.mail_ok) return;  // RCPT was under way already; its refusal says nothing new
    if (reply.is_positive()) {
        ++open.accepted;
        return;
    }
    settle(result, kind_of_rcpt(reply, open.accepted > 0), "rcpt", reply);
}

void ClientSession::on_data_reply(Open& open, Reply reply) {
    if (reply.code == 354) {
        // RFC 2920 §3.1: with nobody to receive it, the content is a lone dot.
        open.phase = Phase::tail;
        return;
    }
    settle_open(open, "data", reply);
    needs_rset_ = open.mail_ok;
    finish_first();
}

void ClientSession::on_final_reply(Open& open, Reply reply) {
    if (open.phase != Phase::sent) {
        // Answered before the end of the content: what the host will do with the rest is anybody's
        // guess.
        auto const told = reply.is_positive() ? Reply{0, "4.5.0", "reply before the end of content"}
                                              : std::move(reply);
        settle_open(open, "content", told);
        return nonsense("content", "the host answered before the end of content");
    }
    if (config_.protocol == ClientConfig::Protocol::lmtp && open.accepted > 0) {
        // RFC 2033 §4.2: one reply for each accepted recipient, in their order.
        for (auto& result : open.result.recipients) {
            if (result.kind != Kind::open) continue;
            settle(result, kind_of(reply), "content", reply);
            break;
        }
        if (!is_last_final(open)) {
            ++open.finals_seen;
            expected_.push_front(Expect::final);
            return;
        }
    } else {
        settle_open(open, "content", reply);
    }
    // RFC 3030 §2: after a failed BDAT only RSET makes a new start.
    needs_rset_ = open.chunked && !reply.is_positive();
    finish_first();
}

bool ClientSession::is_last_final(Open const& open) const noexcept {
    return open.finals_seen + 1 >= open.accepted;
}

// ---- commands -----------------------------------------------------------------------------------

// Makes the next write, if there is one to make. True: state changed, look again.
bool ClientSession::produce() {
    if (open_.empty() || pending_) return false;
    auto& first = open_.front();
    switch (first.phase) {
        case Phase::fresh:
            return start(first);
        case Phase::commands:
            return expected_.empty() && continue_commands(first);
        case Phase::tail:
            if (first.what.content || first.accepted == 0) {
                write_content(first);
            } else if (!first.head_sent) {
                first.phase = Phase::content;  // large: 354 came, now it is streamed
                expected_.push_back(Expect::final);
            } else {
                write_tail(first);
            }
            return false;
        case Phase::content:
        case Phase::sent:
            return false;
    }
    return false;
}

bool ClientSession::goes_in_one_write(Open const& open) const noexcept {
    return config_.use_chunking && offered_.chunking && offered_.pipelining && open.what.content &&
           open.what.size() <= config_.chunk_max_bytes &&
           config_.protocol == ClientConfig::Protocol::smtp;
}

bool ClientSession::start(Open& open) {
    TransactionPolicy const policy{config_.send_eight_bit_anyway, verified_};
    if (auto const obstacle = find_obstacle(open.what, offered_, policy)) {
        for (auto& result : open.result.recipients) {
            settle(result, obstacle->kind, "mail", obstacle->reply);
        }
        finish_first();
        return true;
    }
    text_.clear();
    pieces_.clear();
    append_group(open);
    if (goes_in_one_write(open)) {
        write_chunk(open);
    } else {
        flush_text();
    }
    return false;
}

// RSET if needed, MAIL, and with PIPELINING all of RCPT and DATA (RFC 2920 §3.1).
void ClientSession::append_group(Open& open) {
    bool const binary = open.what.body() == envelope::Body::binary;
    open.chunked = binary || goes_in_one_write(open);
    open.phase = Phase::commands;
    if (needs_rset_) {
        text_ += "RSET\r\n";
        expected_.push_back(Expect::rset);
        needs_rset_ = false;
    }
    append_mail(text_, open.what, offered_);
    expected_.push_back(Expect::mail);
    if (!offered_.pipelining) return;
    for (auto const i : open.what.recipients) {
        append_rcpt(text_, *open.what.envelope, i, offered_);
        expected_.push_back(Expect::rcpt);
    }
    open.rcpts_sent = open.what.recipients.size();
    if (open.chunked) return;
    text_ += "DATA\r\n";
    expected_.push_back(Expect::data);
}

void ClientSession::flush_text() {
    pieces_.assign(1, text_);
    pending_ = true;
    write_timer_ = ClientTimer::mail;
}

// MAIL, RCPT, BDAT LAST and the content in one write: one round trip for the message (RFC 3030
// §4.2).
void ClientSession::write_chunk(Open& open) {
    text_ += "BDAT " + std::to_string(open.what.size()) + " LAST\r\n";
    expected_.push_back(Expect::final);
    pieces_.assign({text_, open.what.head, *open.what.content});
    open.phase = Phase::sent;
    pending_ = true;
    write_timer_ = ClientTimer::data_block;
}

// After the replies so far: the next command of a server without PIPELINING, or BDAT for streamed
// binary content. True: the transaction is over.
bool ClientSession::continue_commands(Open& open) {
    text_.clear();
    pieces_.clear();
    if (!open.mail_ok) {
        finish_first();
        return true;
    }
    if (open.rcpts_sent < open.what.recipients.size()) {
        append_rcpt(text_, *open.what.envelope, open.what.recipients[open.rcpts_sent++], offered_);
        expected_.push_back(Expect::rcpt);
        flush_text();
        return false;
    }
    if (open.accepted == 0) {
        needs_rset_ = true;
        finish_first();
        return true;
    }
    if (open.chunked) {
        text_ += "BDAT " + std::to_string(open.what.size()) + " LAST\r\n";
        expected_.push_back(Expect::final);
        flush_text();
        if (open.what.content) {
            pieces_.push_back(open.what.head);
            pieces_.push_back(*open.what.content);
            open.phase = Phase::sent;
        } else {
            open.phase = Phase::content;
        }
        return false;
    }
    text_ += "DATA\r\n";
    expected_.push_back(Expect::data);
    flush_text();
    return false;
}

// ---- content ------------------------------------------------------------------------------------

// All of a content in memory (or a lone dot), with the commands of the next transaction.
void ClientSession::write_content(Open& open) {
    pieces_.clear();
    text_.clear();
    stuffer_ = {};
    if (open.accepted > 0) {
        stuffer_.add(open.what.head, pieces_);
        stuffer_.add(*open.what.content, pieces_);
    }
    stuffer_.finish(pieces_);
    if (refuse_unclean(open)) return;
    expected_.push_back(Expect::final);
    open.phase = Phase::sent;
    append_next_group();
}

void ClientSession::write_tail(Open& open) {
    pieces_.clear();
    text_.clear();
    stuffer_.finish(pieces_);
    if (refuse_unclean(open)) return;
    open.phase = Phase::sent;
    append_next_group();
}

// RFC 2920 §3.1: content may be followed by the commands of the next group in the same write.
void ClientSession::append_next_group() {
    pending_ = true;
    write_timer_ = ClientTimer::data_block;
    if (open_.size() > 1) {
        auto& next = open_[1];
        TransactionPolicy const policy{config_.send_eight_bit_anyway, verified_};
        bool const can_follow = offered_.pipelining && !goes_in_one_write(next) &&
                                !find_obstacle(next.what, offered_, policy);
        if (can_follow) {
            append_group(next);
            pieces_.push_back(text_);
        }
    }
    flatten();
}

void ClientSession::flatten() {
    if (pieces_.size() <= pieces_max) return;
    flat_.clear();
    for (auto const piece : pieces_) flat_ += piece;
    pieces_.assign(1, flat_);
}

bool ClientSession::refuse_unclean(Open& open) {
    if (stuffer_.is_clean()) return false;
    // Found only in streamed content, when its beginning was sent already: the connection must go,
    // so that the host never sees an end of data.
    Reply const finding{0, "5.6.0", "the message has a CR or LF alone"};
    for (auto& result : open.result.recipients) {
        settle(result, Kind::permanent, "content", finding);
    }
    fail(ClientFailure::Kind::local, "content", finding);
    return true;
}

void ClientSession::on_content(std::string_view piece) {
    DAWK_CHECK(!open_.empty() && open_.front().phase == Phase::content && !pending_);
    auto& open = open_.front();
    pieces_.clear();
    text_.clear();
    if (!open.head_sent) {
        open.head_sent = true;
        stuffer_ = {};
        if (open.chunked) {
            pieces_.push_back(open.what.head);
        } else {
            stuffer_.add(open.what.head, pieces_);
        }
    }
    open.streamed += piece.size();
    bool const size_holds = piece.empty() ? open.streamed == open.what.content_size
                                          : open.streamed <= open.what.content_size;
    if (!size_holds) return on_content_failed("its size is not what was recorded");
    if (open.chunked) {
        if (!piece.empty()) pieces_.push_back(piece);
        if (piece.empty()) open.phase = Phase::sent;
    } else {
        stuffer_.add(piece, pieces_);
        if (refuse_unclean(open)) return;
        if (piece.empty()) open.phase = Phase::tail;
    }
    flatten();
    pending_ = !pieces_.empty();
    write_timer_ = ClientTimer::data_block;
}

void ClientSession::on_content_failed(std::string why) {
    fail(ClientFailure::Kind::local, "content",
         Reply{0, "4.3.0", "the content could not be read: " + std::move(why)});
}

}  // namespace dawk::smtp
